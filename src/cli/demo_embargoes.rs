//! Embargoes for demonstrations.
use chrono::{Days, NaiveDate};
use loadmaster_embargoes::{Effect, EmbargoService, Terms};
use loadmaster_kernel::{Fault, HandlingCode};
use loadmaster_reference::Scope;

use crate::app::AppState;

/// Dangerous goods that fly on cargo aircraft only: gases, flammable liquids and solids, explosives, and lithium batteries
/// packed alone.
const FREIGHTERS_ONLY: [&str; 15] =
    ["RBI", "RBM", "RCX", "RFG", "RFL", "RFS", "RFW", "RGX", "RPG", "RSC", "RXB", "RXC", "RXD", "RXE", "RXG"];
const PERISHABLE: [&str; 1] = ["PER"];
const TEMPERATURES: [&str; 4] = ["COL", "CRT", "ERT", "FRO"];

/// Puts the demo embargoes into force, if there has never been an embargo. Returns their number.
pub(super) async fn impose(state: &AppState) -> anyhow::Result<usize> {
    // The demo's first flights leave yesterday, and local dates lag a day behind UTC.
    let from = state.clock.now().date_naive() - Days::new(2);
    Ok(state.service::<EmbargoService>()?.add_first(embargoes(from)?).await?)
}

fn embargoes(from: NaiveDate) -> Result<Vec<Terms>, Fault> {
    let everywhere = |name: &str, reason: &str, handling_codes: &[&str], effect| {
        Ok::<_, Fault>(Terms {
            name: name.to_owned(),
            reason: reason.to_owned(),
            airline: None,
            origin: Scope::everywhere(),
            destination: Scope::everywhere(),
            flight_numbers: Vec::new(),
            valid_from: from,
            valid_to: None,
            aircraft: None,
            is_freighter: None,
            weekdays: Vec::new(),
            handling_codes: codes(handling_codes)?,
            effect,
        })
    };
    let dangerous = everywhere(
        "Dangerous goods on freighters only",
        "These dangerous goods do not fly below a passenger cabin.",
        &FREIGHTERS_ONLY,
        Effect::Forbid,
    )?;
    let perishable = everywhere(
        "Perishables with a temperature",
        "The warehouses store perishables by their temperature code.",
        &PERISHABLE,
        Effect::RequireAny(codes(&TEMPERATURES)?),
    )?;
    Ok(vec![Terms { is_freighter: Some(false), ..dangerous }, perishable])
}

fn codes(words: &[&str]) -> Result<Vec<HandlingCode>, Fault> {
    words.iter().map(|word| word.parse()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadmaster_platform::web::Raw;
    use loadmaster_reference::Reference;

    #[test]
    fn the_demo_embargoes_name_codes_that_exist_in_order() {
        let reference = Reference::bundled().unwrap();
        let [dangerous, perishable] = <[Terms; 2]>::try_from(embargoes(NaiveDate::MIN).unwrap()).unwrap();
        assert_eq!((dangerous.effect, dangerous.is_freighter), (Effect::Forbid, Some(false)));
        let Effect::RequireAny(required) = perishable.effect else { panic!("it forbids") };
        for codes in [dangerous.handling_codes, perishable.handling_codes, required] {
            assert!(codes.is_sorted());
            for code in codes {
                assert_eq!(reference.read_handling_code(Raw::Text(code.as_str())), Ok(code));
            }
        }
    }
}
