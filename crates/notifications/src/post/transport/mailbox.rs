use std::{
    collections::HashSet,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use loadmaster_kernel::LetterId;
use loadmaster_platform::clock::SharedClock;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Delivery, Outgoing};

use crate::post::model::Receiver;

/// Letters that are kept.
const KEPT: usize = 1_000;

/// A letter in the mailbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct StoredLetter {
    pub id: LetterId,
    pub channel: String,
    /// The type of what it says.
    pub kind: String,
    /// As in the table of notifications: whose letter it is, whatever became of its row and of the address.
    #[serde(default)]
    receiver: String,
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// A directory in place of a relay and a gateway, for development: a file for each letter, the newest only. Cheap to
/// clone.
#[derive(Clone)]
pub(in super::super) struct Mailbox {
    folder: Arc<Path>,
    /// The same letters in parts, for readers. Beside the mailbox, which has nothing but letters.
    parts: Arc<Path>,
    clock: SharedClock,
}

impl Mailbox {
    pub fn open(data_dir: &Path, clock: SharedClock) -> anyhow::Result<Self> {
        let (folder, parts) = (data_dir.join("mailbox"), data_dir.join("mailbox-parts"));
        for folder in [&folder, &parts] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.with_context(|| format!("the mailbox {} cannot be made", folder.display()))?;
        }
        Ok(Self { folder: folder.into(), parts: parts.into(), clock })
    }

    /// Writes a letter; a repetition takes the place of the first.
    pub async fn deliver(&self, outgoing: &Outgoing) -> Delivery {
        let kept = StoredLetter {
            id: outgoing.id,
            channel: if outgoing.mail.is_some() { "email" } else { "sms" }.to_owned(),
            kind: outgoing.kind.clone(),
            receiver: outgoing.receiver.to_string(),
            to: outgoing.to.text.clone(),
            subject: outgoing.mail.is_some().then(|| outgoing.text.subject.clone()),
            text: outgoing.text.plain.clone(),
            html: outgoing.text.html.clone(),
            created_at: self.clock.now(),
        };
        let (name, content) = match &outgoing.mail {
            Some(mail) => (format!("{}.eml", kept.id), mail.formatted()),
            None => (format!("{}.txt", kept.id), text_message(&kept)),
        };
        let this = self.clone();
        let written = tokio::task::spawn_blocking(move || this.write(&kept, &name, &content)).await;
        match written {
            Ok(Ok(())) => {
                tracing::info!(letter = %outgoing.id, kind = outgoing.kind, "letter written into the mailbox");
                Delivery::Delivered
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "a letter cannot be written into the mailbox");
                Delivery::Away("the mailbox cannot be written".to_owned())
            }
            Err(_) => Delivery::Later("the mailbox cannot be written".to_owned()),
        }
    }

    fn write(&self, kept: &StoredLetter, name: &str, content: &[u8]) -> io::Result<()> {
        write_whole(&self.parts, &format!("{}.json", kept.id), &serde_json::to_vec(kept)?)?;
        write_whole(&self.folder, name, content)?;
        let mut names = names_in(&self.folder)?;
        let excess = names.len().saturating_sub(KEPT);
        names.sort_unstable();
        for name in names.into_iter().take(excess) {
            remove(&self.folder.join(&name))?;
            if let Some(id) = id_of(&name) {
                remove(&self.parts.join(format!("{id}.json")))?;
            }
        }
        Ok(())
    }

    /// Letters from before `before`, newest first.
    pub async fn list(&self, before: Option<LetterId>, skip: usize, most: usize) -> io::Result<Vec<StoredLetter>> {
        let this = self.clone();
        let listing = move || {
            let mut ids: Vec<Uuid> = names_in(&this.folder)?.iter().filter_map(|name| id_of(name)).collect();
            ids.sort_unstable_by(|one, other| other.cmp(one));
            let older = ids.into_iter().filter(|id| before.is_none_or(|before| *id < before.uuid()));
            older.skip(skip).take(most).filter_map(|id| this.read(id).transpose()).collect()
        };
        tokio::task::spawn_blocking(listing).await.map_err(io::Error::other)?
    }

    pub async fn find(&self, id: LetterId) -> io::Result<Option<StoredLetter>> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.read(id.uuid())).await.map_err(io::Error::other)?
    }

    /// Removes these letters, and all letters to these receivers, for the erasure of a person.
    pub async fn remove(&self, letters: Vec<LetterId>, receivers: Vec<Receiver>) -> io::Result<()> {
        let this = self.clone();
        let letters: HashSet<LetterId> = letters.into_iter().collect();
        let receivers: HashSet<String> = receivers.iter().map(ToString::to_string).collect();
        let is_meant = move |kept: &StoredLetter| letters.contains(&kept.id) || receivers.contains(&kept.receiver);
        let removing = move || {
            for name in names_in(&this.folder)? {
                let Some(id) = id_of(&name) else { continue };
                if this.read(id)?.as_ref().is_some_and(&is_meant) {
                    remove(&this.folder.join(&name))?;
                    remove(&this.parts.join(format!("{id}.json")))?;
                }
            }
            Ok(())
        };
        tokio::task::spawn_blocking(removing).await.map_err(io::Error::other)?
    }

    /// `None` for a letter that another process has just removed.
    fn read(&self, id: Uuid) -> io::Result<Option<StoredLetter>> {
        match fs::read(self.parts.join(format!("{id}.json"))) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn text_message(kept: &StoredLetter) -> Vec<u8> {
    let date = kept.created_at.to_rfc2822();
    format!("To: {}\nDate: {date}\nMessage-ID: {}\n\n{}\n", kept.to, kept.id, kept.text).into_bytes()
}

/// Readers see a whole file or none.
fn write_whole(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let temporary: PathBuf = folder.join(format!(".{name}"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    fs::rename(&temporary, folder.join(name))
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if id_of(&name).is_some() {
            names.push(name);
        }
    }
    Ok(names)
}

/// The letter of a file; `None` for files of others.
fn id_of(name: &str) -> Option<Uuid> {
    let (id, "eml" | "txt") = name.split_once('.')? else { return None };
    Uuid::try_parse(id).ok()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
