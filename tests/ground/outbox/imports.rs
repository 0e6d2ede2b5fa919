//! Large imports: their messages become visible long after they were numbered, all at once. Every reader has each of them
//! once, for work in proportion to their number.
use std::collections::BTreeSet;

use loadmaster_testkit::{TestDatabase, World, WorldOptions, rounds, until};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    assert_in_order, assert_no_repetition,
    collecting::{Collecting, Mood},
    following::Follower,
    open::{Open, tell},
};

/// Numbered by turns, so many of each at a time.
const CHUNK: i32 = 20;

/// Adds up what is written to `outbox_sinks`, by the length of the rows as text.
async fn count_writing(world: &World) {
    world
        .sql(
            "create table writing (rows bigint not null, characters bigint not null);
             insert into writing values (0, 0);
             create function count_writing() returns trigger language plpgsql security definer as $$ begin
                 update public.writing set rows = rows + 1, characters = characters + length(new::text);
                 return new;
             end $$;
             create trigger count_writing before update on outbox_sinks for each row execute function count_writing()",
        )
        .await;
}

/// Rows and characters written to `outbox_sinks`.
async fn written(owner: &mut PgConnection) -> (i64, i64) {
    sqlx::query_as("select rows, characters from writing").fetch_one(owner).await.unwrap()
}

/// Two imports whose numbers alternate, uncommitted, with other messages between them. Answers the aggregates of the three.
struct Imports {
    open: [Open; 2],
    imported: [Uuid; 2],
    beside: Uuid,
    told: i32,
}

impl Imports {
    async fn begin(database: &TestDatabase) -> Self {
        let open = [Open::begin(database).await, Open::begin(database).await];
        Self { open, imported: [Uuid::new_v4(), Uuid::new_v4()], beside: Uuid::new_v4(), told: 0 }
    }

    /// Writes the messages `from..=to` of each.
    async fn write(&mut self, database: &TestDatabase, from: i32, to: i32) {
        for start in (from..=to).step_by(usize::try_from(CHUNK).unwrap()) {
            for (open, aggregate) in self.open.iter_mut().zip(self.imported) {
                open.write(aggregate, start..=(start + CHUNK - 1).min(to)).await;
            }
            if start / CHUNK % 50 == 0 {
                self.told += 1;
                tell(database, self.beside, self.told..=self.told).await;
            }
        }
    }
}

fn of(ids: &[String], aggregate: Uuid) -> usize {
    let aggregate = aggregate.to_string();
    ids.iter().filter(|id| id.starts_with(&aggregate)).collect::<BTreeSet<_>>().len()
}

fn number(count: i32) -> usize {
    usize::try_from(count).unwrap()
}

/// Takes some seconds: 10 000 messages are written and read by four readers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_reader_has_all_of_two_interleaved_imports_once_also_one_that_starts_in_the_middle() {
    let each = i32::try_from(rounds(5_000, 125_000)).unwrap();
    let world = WorldOptions::patient().with_workers().without_redis().start().await;
    count_writing(&world).await;
    let sink = Collecting::<'a'>::that(Mood::Takes);
    let (relaying, early) = (sink.served_by(&world, "one"), Follower::start(&world));
    early.until_it_follows(&world).await;

    let mut imports = Imports::begin(&world.database).await;
    imports.write(&world.database, 1, each - CHUNK).await;
    // A follower, and a sink, that begin when most of it is written and nothing committed.
    let late = Follower::start(&world);
    late.until_it_follows(&world).await;
    let new_sink = Collecting::<'b'>::that(Mood::Takes);
    let relaying_to_new = new_sink.served_by(&world, "two");
    imports.write(&world.database, each - CHUNK + 1, each).await;
    until("those beside are not held up", async || {
        of(&early.ids(), imports.beside) == number(imports.told)
            && of(&sink.ids(), imports.beside) == number(imports.told)
    })
    .await;

    for which in [0, 1] {
        imports.open[which].commit().await;
        let aggregate = imports.imported[which];
        until("all readers have all of this import", async || {
            // Looking at what they have takes longer than counting it.
            let fewest = [early.came(), late.came(), sink.came(), new_sink.came()].into_iter().min();
            let has_all = |ids: Vec<String>| of(&ids, aggregate) == number(each);
            fewest >= Some((which + 1) * number(each))
                && has_all(early.ids())
                && has_all(late.ids())
                && has_all(sink.ids())
                && has_all(new_sink.ids())
        })
        .await;
    }
    relaying.end().await;
    relaying_to_new.end().await;
    for ids in [early.end().await, late.end().await, sink.ids(), new_sink.ids()] {
        assert_no_repetition(&ids);
        let imported = |id: &&String| imports.imported.iter().any(|aggregate| id.starts_with(&aggregate.to_string()));
        assert_in_order(&ids.iter().filter(imported).cloned().collect::<Vec<_>>());
    }
    // Two sinks took this many messages, a hundred at a time; the rest is beats.
    let (rows, characters) = written(&mut world.database.owner().await).await;
    let messages = 2 * 2 * i64::from(each);
    println!("{rows} rows with {characters} characters were written for {messages} messages");
    assert!(rows < messages / 10, "{rows} times");
    assert!(characters < messages * 100, "{characters} characters for {messages} messages");
    world.shutdown().await;
}
