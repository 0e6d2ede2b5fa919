//! Images of stations and logos of airlines.
use loadmaster_accounts::{Actor, Subject};
use loadmaster_kernel::{AirlineCode, Fault, UserId};
use loadmaster_platform::{
    postgres::{Database, PgSession, Recency},
    web::{Content, InputFault, PageRequest, Precondition, Problem, fingerprint},
    work::Command,
};
use serde_json::json;

use super::{
    error::StationError,
    model::{Image, ImageFacts, Pictured},
    picture::measure,
    repository::images::{self, Stored},
    service::StationService,
};

impl Image {
    /// Takes the bytes of an image, if they are of a kind and size that is taken.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Problem> {
        let refused = |fault: Fault| Problem::validation(&[InputFault::body(String::new(), &fault)]);
        let measured = measure(bytes).map_err(refused)?;
        let digest = fingerprint("", &Content::Bytes(bytes));
        let digest = digest.first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
        let digest = format!("{digest:032x}");
        Ok(Self { measured, digest, bytes: bytes.to_vec() })
    }
}

/// Puts an image in the place of the one that there is, if any.
pub(super) struct Put {
    pub stations: StationService,
    pub actor: UserId,
    pub of: Pictured,
    pub precondition: Precondition,
    pub image: Image,
}

impl Command for Put {
    const NAME: &'static str = "stations.put_image";
    /// The image with its version.
    type Done = (Image, i32);
    type Error = StationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(Image, i32), StationError> {
        let Self { stations, actor, of, precondition, image } = self;
        stations.pictured(*of)?;
        let before = images::lock(tx, *of).await?;
        check(precondition, before.as_ref())?;
        if let Some(same) = before.filter(|before| before.digest == image.digest) {
            return Ok((image.clone(), same.version));
        }
        let version = images::save(tx, *of, image, stations.clock.now()).await?;
        let measured = image.measured;
        let data = json!({
            "version": version, "media_type": measured.kind.name(), "width": measured.width, "height": measured.height,
            "bytes": image.bytes.len(), "digest": image.digest,
        });
        let subject = Subject::new(of.kind(), *of);
        stations.acts.record_in_tx(tx, Actor::Caller(*actor), "image.changed", subject, data).await?;
        Ok((image.clone(), version))
    }
}

/// Deletes an image.
pub(super) struct Delete {
    pub stations: StationService,
    pub actor: UserId,
    pub of: Pictured,
    pub precondition: Precondition,
}

impl Command for Delete {
    const NAME: &'static str = "stations.delete_image";
    type Done = ();
    type Error = StationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), StationError> {
        let Self { stations, actor, of, precondition } = self;
        let before = images::lock(tx, *of).await?.ok_or_else(|| no_image(*of))?;
        check(precondition, Some(&before))?;
        images::delete(tx, *of).await?;
        let (subject, data) = (Subject::new(of.kind(), *of), json!({"version": before.version}));
        Ok(stations.acts.record_in_tx(tx, Actor::Caller(*actor), "image.deleted", subject, data).await?)
    }
}

/// Fails unless the precondition is about the image that is there; without one, its version is 0.
fn check(precondition: &Precondition, before: Option<&ImageFacts>) -> Result<(), StationError> {
    let checked = match before {
        Some(before) => precondition.check_content(before.version, &before.digest),
        None => precondition.check(0),
    };
    checked.map_err(StationError::VersionMismatch)
}

fn no_image(of: Pictured) -> StationError {
    StationError::UnknownEntry(format!("image of {of}"))
}

impl StationService {
    /// Fails unless there is such an airport or airline.
    pub(super) fn pictured(&self, of: Pictured) -> Result<(), StationError> {
        match of {
            Pictured::Station(code) => self.airport(code).map(drop),
            Pictured::Airline(code) => {
                let found = self.reference.airline(code).map(drop);
                found.ok_or_else(|| StationError::UnknownEntry(format!("airline {code}")))
            }
        }
    }

    /// Returns a page of the airlines that have a logo, by code.
    pub(super) async fn airlines_with_logo(
        &self,
        page: &PageRequest<AirlineCode>,
        recency: Recency,
    ) -> Result<Vec<AirlineCode>, StationError> {
        let read = move |db: Database| async move {
            let mut connection = db.read().await?;
            Ok::<_, StationError>(images::airlines(&mut connection, page.after, page.offset, page.fetch()).await?)
        };
        self.db.reading(recency, read).await
    }

    /// Returns what the entity tag of an image is made of.
    pub(super) async fn image_facts(&self, of: Pictured) -> Result<ImageFacts, StationError> {
        self.pictured(of)?;
        let found = images::facts(&mut *self.db.read().await?, of).await?;
        found.ok_or_else(|| no_image(of))
    }

    pub(super) async fn image(&self, of: Pictured) -> Result<Stored, StationError> {
        self.pictured(of)?;
        let found = images::find(&mut *self.db.read().await?, of).await?;
        found.ok_or_else(|| no_image(of))
    }
}
