//! Jobs that are promised while servers are killed, and a witness of what becomes of them.
use std::time::Duration;

use loadmaster_platform::{
    jobs::{NewJob, enqueue_in_tx},
    postgres::commit,
};
use loadmaster_testkit::{World, until};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The database writes down which jobs were promised and which are done. The work of `expired_tokens` takes its time, and
/// the database counts how often it begins, and how often it does while it goes on elsewhere: also when it is never
/// committed.
const WITNESS: &str = "
    create table promised (id uuid primary key);
    create table done (id uuid primary key);
    create sequence begun;
    create sequence begun_twice;
    create function note_promised() returns trigger language plpgsql security definer as $$
        begin insert into promised values (new.id); return null; end $$;
    create function note_done() returns trigger language plpgsql security definer as $$
        begin insert into done values (old.id); return null; end $$;
    create function note_work() returns trigger language plpgsql security definer as $$
        begin
            perform nextval('begun');
            if not pg_try_advisory_xact_lock(1) then perform nextval('begun_twice'); end if;
            perform pg_sleep(0.5);
            return null;
        end $$;
    insert into promised select id from jobs;
    create trigger promised after insert on jobs for each row execute function note_promised();
    create trigger done after delete on jobs for each row execute function note_done();
    create trigger work before delete on refresh_tokens for each statement execute function note_work();
";

pub struct Promises {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Promises {
    /// Promises jobs until they are to be kept.
    pub async fn start(world: &World) -> Self {
        world.sql(WITNESS).await;
        let (db, stop) = (world.db.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while tokio::time::timeout(Duration::from_millis(200), stopped.cancelled()).await.is_err() {
                let mut tx = db.begin().await.unwrap();
                // One at a time of the first, as many as there are of the others.
                let key = Some("expired_tokens".to_owned());
                let keyed = NewJob { unique_key: key, ..NewJob::now("expired_tokens", Value::Null) };
                let others = ["old_outbox", "partitions_ahead"].map(|kind| NewJob::now(kind, Value::Null));
                for job in [keyed].iter().chain(&others) {
                    enqueue_in_tx(&mut tx, Uuid::new_v4(), job).await.unwrap();
                }
                commit(tx).await.unwrap();
            }
        });
        Self { stop, task }
    }

    /// Every job is done, and those of one key one after the other.
    pub async fn are_kept(self, world: &World) {
        self.stop.cancel();
        self.task.await.unwrap();
        until("every job is done", async || {
            let at_once = world.texts("select 'at once' from begun_twice where is_called").await;
            assert_eq!(at_once, [] as [String; 0], "two processes were at the same job");
            // One that failed, because the machine is slow, need not pause.
            world.sql("update jobs set run_at = now() where state = 'QUEUED'").await;
            world.texts("select kind from jobs limit 1").await.is_empty()
        })
        .await;
        let lost = "select id::text from promised except select id::text from done";
        assert_eq!(world.texts(lost).await, [] as [String; 0], "lost");
        let enough = "select 'enough' from begun, done having count(*) > 20 and max(last_value) > 1";
        assert_eq!(world.texts(enough).await, ["enough"]);
    }
}
