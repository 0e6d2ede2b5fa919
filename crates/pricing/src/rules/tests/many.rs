#![allow(clippy::print_stdout, reason = "it prints how long the rules take")]
use std::time::Instant;

use super::*;

/// From 200 airports to 250 others for two products, and wide ones; the times are printed, not asserted.
#[test]
fn among_one_hundred_thousand_tariffs_the_right_one_is_found() {
    let reference = Reference::bundled().unwrap();
    let airports = reference.airports();
    let airports: Vec<&str> = airports.iter().map(|airport| airport.code.as_str()).collect();
    let (origins, destinations) = (&airports[..200], &airports[200..450]);
    let mut tariffs = vec![tariff("ALL", "99", reach()), tariff("COUNTRY", "98", between("country:IN", "country:GB"))];
    for product in ["GENERAL", "ROSES"] {
        for origin in origins {
            for destination in destinations {
                let code = format!("{origin}-{destination}-{product}");
                let of = tariff(&code, "5", between(origin, destination));
                tariffs.push(Tariff { product: product.parse().unwrap(), ..of });
            }
        }
    }
    let began = Instant::now();
    let all = PriceRules::new(&reference, None);
    let all = all.changed(Changes { tariffs: numbered(tariffs), ..Changes::default() });
    println!("{} tariffs compiled in {:?}", all.tariffs(), began.elapsed());
    let way = [flight("AI1", origins[17], destinations[99]), flight("AI2", destinations[99], "LHR")];
    let quoted = |way: &[Flight], product| all.rate(way, freight(&[], product), None, None, noon()).unwrap();
    for (product, way, expected) in [
        ("GENERAL", &way[..1], format!("{}-{}-GENERAL", origins[17], destinations[99])),
        ("ROSES", &way[..1], format!("{}-{}-ROSES", origins[17], destinations[99])),
        ("TULIPS", &way[..1], format!("{}-{}-GENERAL", origins[17], destinations[99])),
        ("ROSES", &way[..], "ALL".to_owned()),
        ("ROSES", &[flight("AI3", "DEL", "LHR")][..], "COUNTRY".to_owned()),
    ] {
        assert_eq!(codes(&quoted(way, product)), [expected]);
    }
    let began = Instant::now();
    for _ in 0..1000 {
        std::hint::black_box(all.estimate(&way, freight(&[], "ROSES"), None, noon()));
    }
    println!("two legs rated in {:?} each", began.elapsed() / 1000);
    let began = Instant::now();
    let dearer = rule(3, 2, tariff("DEARER", "6", between(origins[0], destinations[0])));
    let changed = all.changed(Changes { tariffs: vec![dearer], ..Changes::default() });
    println!("one change compiled in {:?}", began.elapsed());
    let way = [flight("AI1", origins[0], destinations[0])];
    assert_eq!(codes(&rated(&changed, &way).unwrap()), ["DEARER"]);
}
