use loadmaster_platform::{
    jobs::Handlers,
    room::{Opened, Opening, Room},
};

use super::{PrivacyService, service::SWEEP};

pub const ROOM: Room = Room { open: |opening| Box::pin(async { open(opening) }), ..Room::named("privacy") };

fn open(opening: &Opening) -> anyhow::Result<Opened> {
    let Opening { db, clock, ids, personal, .. } = opening;
    let privacy = PrivacyService::new(db.clone(), opening.service()?, personal.clone(), ids.clone(), clock.clone());
    let jobs = Handlers::default()
        .on(&SWEEP, privacy.clone(), |privacy, erased| async move { privacy.sweep_again(erased).await });
    Ok(Opened { jobs, ..Opened::default() }.with(privacy))
}
