//! Images of stations and logos of airlines: what is taken, and how it is served.
use loadmaster_testkit::{Answer, Client, Watch, World, WorldOptions};
use reqwest::Method;
use serde_json::json;

use super::{STATIONS, path};

const LOGO: &str = "/api/v1/airlines/AI/logo";

/// The header of a PNG of this size, and what follows it.
fn png(width: u32, height: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(b"\x08\x06\0\0\0\0\0\0\0");
    bytes.extend(rest);
    bytes
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08".to_vec();
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes
}

fn image(code: &str) -> String {
    format!("{}/image", path(code))
}

async fn put(client: &Client, path: &str, kind: &str, bytes: Vec<u8>) -> Answer {
    Answer::of(client.request(Method::PUT, path).header("content-type", kind).body(bytes)).await
}

/// The type and the bytes that are served.
async fn served(client: &Client, path: &str) -> (String, Vec<u8>) {
    let response = client.request(Method::GET, path).header("accept-encoding", "gzip, br").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"));
    assert_eq!(header("content-security-policy").as_deref(), Some("default-src 'none'; sandbox"));
    assert_eq!(header("content-encoding"), None);
    let kind = header("content-type").unwrap();
    (kind, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn an_image_is_served_as_what_its_first_bytes_say_and_runs_in_no_browser() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let html = png(8, 8, b"<script>alert(document.domain)</script>".repeat(100).as_slice());
    for (name, bytes, kind) in [
        ("image/jpeg", png(640, 480, b""), "image/png"),
        ("image/png", jpeg(640, 480), "image/jpeg"),
        ("image/png", html, "image/png"),
    ] {
        for path in [image("del").as_str(), LOGO] {
            let answer = put(&admin, path, name, bytes.clone()).await.expect(200);
            assert_eq!((&answer["media_type"], &answer["bytes"]), (&json!(kind), &json!(bytes.len())));
            assert_eq!(served(&anyone, path).await, (kind.to_owned(), bytes.clone()));
            assert_eq!(anyone.get(path).await.header("content-type"), Some(kind));
        }
    }
}

#[tokio::test]
async fn what_is_no_image_or_too_large_is_refused() {
    let world = World::start().await;
    let admin = world.admin().await;
    let huge = png(40_000, 40_000, &vec![0; 20_000]);
    let full = png(4096, 4096, &vec![0; 512 * 1024 - 33]);
    assert_eq!(full.len(), 512 * 1024);
    for (bytes, code) in [
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>".to_vec(), "invalid_format"),
        (b"GIF89a\x01\0\x01\0".to_vec(), "invalid_format"),
        (b"<!doctype html>".to_vec(), "invalid_format"),
        // An animation of 640 × 480 pixels.
        (b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x7f\x02\0\xdf\x01\0".to_vec(), "invalid_format"),
        (Vec::new(), "invalid_format"),
        (png(1, 1, b"")[..20].to_vec(), "invalid_format"),
        (huge, "too_large"),
        (jpeg(4097, 1), "too_large"),
        ([full.clone(), vec![0; 1024]].concat(), "too_long"),
    ] {
        for path in [image("DEL").as_str(), LOGO] {
            let faults = put(&admin, path, "image/png", bytes.clone()).await.expect_faults();
            assert_eq!(faults, [(String::new(), code.to_owned())], "{} bytes", bytes.len());
        }
    }
    put(&admin, LOGO, "image/svg+xml", png(1, 1, b"")).await.expect_problem(415, "unsupported_media_type");
    put(&admin, LOGO, "image/png", vec![0; 2 * 1024 * 1024]).await.expect_problem(413, "payload_too_large");
    assert_eq!(world.count("images").await, 0);
    put(&admin, LOGO, "image/png", full).await.expect(200);
}

#[tokio::test]
async fn an_image_has_an_entity_tag_that_does_not_come_again() {
    let world = World::start().await;
    let (admin, operator, anyone) = (world.admin().await, world.operator().await, world.anonymous());
    anyone.get(LOGO).await.expect_problem(404, "not_found");
    anyone.get("/api/v1/airlines/QQ/logo").await.expect_problem(404, "not_found");
    put(&admin, "/api/v1/airlines/QQ/logo", "image/png", png(1, 1, b"")).await.expect_problem(404, "not_found");
    put(&operator, LOGO, "image/png", png(1, 1, b"")).await.expect_problem(403, "forbidden");
    put(&anyone, LOGO, "image/png", png(1, 1, b"")).await.expect_problem(401, "unauthenticated");
    let first = put(&admin, LOGO, "image/png", png(1, 1, b"")).await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(first.expect(200)["version"], 1);
    assert_eq!(put(&admin, LOGO, "image/png", png(1, 1, b"")).await.expect(200)["version"], 1, "the same bytes");
    let known = async || anyone.send(Method::GET, LOGO, &[("if-none-match", &tag)], None).await;
    assert_eq!(known().await.status, 304);
    admin.send(Method::DELETE, LOGO, &[("if-match", "\"9\"")], None).await.expect_problem(412, "version_mismatch");
    admin.send(Method::DELETE, LOGO, &[("if-match", &tag)], None).await.expect(204);
    admin.delete(LOGO).await.expect_problem(404, "not_found");
    anyone.get(LOGO).await.expect_problem(404, "not_found");
    put(&admin, LOGO, "image/png", png(2, 2, b"")).await.expect(200);
    assert_eq!(known().await.status, 200, "version 1 of other bytes");
    let stale = admin.send(Method::DELETE, LOGO, &[("if-match", &tag)], None).await;
    stale.expect_problem(412, "version_mismatch");
    let acts = world.texts("select act from admin_acts where subject_id = 'airline/AI' order by id").await;
    assert_eq!(acts, ["image.changed", "image.deleted", "image.changed"]);
}

#[tokio::test]
async fn of_two_first_images_that_are_put_at_once_one_stays() {
    let world = WorldOptions::patient().start().await;
    let admins = [world.admin().await, world.admin().await];
    let mut owner = world.database.owner().await;
    let mut watch = Watch::over(&world.database).await;
    // Several: which constraint of the table notices a second first image depends on the moment.
    for airline in ["AI", "BA", "CX", "EK", "KL", "LH", "QR", "SQ"] {
        let first = async |admin: &Client, bytes: Vec<u8>| {
            let request = admin.request(Method::PUT, &format!("/api/v1/airlines/{airline}/logo"));
            Answer::of(request.header("content-type", "image/png").header("if-match", "\"0\"").body(bytes)).await
        };
        // Both are under way before either is written.
        sqlx::raw_sql("begin; lock table images in share mode").execute(&mut owner).await.unwrap();
        let release = async {
            watch.until_waiting(2).await;
            sqlx::raw_sql("rollback").execute(&mut owner).await.unwrap();
        };
        let (one, other, ()) =
            tokio::join!(first(&admins[0], png(1, 1, b"")), first(&admins[1], png(2, 2, b"")), release);
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "{airline}");
    }
    assert_eq!(world.texts("select distinct version::text from images").await, ["1"]);
    assert_eq!(world.texts("select count(*)::text from images").await, ["8"]);
}

#[tokio::test]
async fn a_station_says_where_its_image_is() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let before = anyone.get(&path("DEL")).await;
    let tag = before.header("etag").unwrap().to_owned();
    assert_eq!(before.expect(200)["image_url"], json!(null));
    put(&admin, &image("DEL"), "image/png", png(1, 1, b"")).await.expect(200);
    let after = anyone.send(Method::GET, &path("DEL"), &[("if-none-match", &tag)], None).await.expect(200);
    assert_eq!(after["image_url"], image("DEL"));
    let found = anyone.get(after["image_url"].as_str().unwrap()).await;
    let known = found.header("etag").unwrap().to_owned();
    let again = anyone.send(Method::GET, &image("DEL"), &[("if-none-match", &known)], None).await;
    assert_eq!(again.status, 304);
    let content = json!({"summary": "Two halls."});
    admin.change_if(Method::PUT, &path("DEL"), "\"0\"", content).await.expect(200);
    assert_eq!(anyone.get(STATIONS).await.expect(200)[0]["image_url"], image("DEL"));
}

#[tokio::test]
async fn airlines_are_listed_by_code_while_they_have_a_logo() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let listed = async |query: &str| anyone.get(&format!("/api/v1/airline-logos{query}")).await;
    assert_eq!(listed("").await.expect(200), json!([]));
    put(&admin, &image("DEL"), "image/png", png(1, 1, b"")).await.expect(200);
    for path in ["/api/v1/airlines/LH/logo", LOGO] {
        put(&admin, path, "image/png", png(1, 1, b"")).await.expect(200);
    }
    let entry = |code: &str| json!({"airline_code": code, "logo_url": format!("/api/v1/airlines/{code}/logo")});
    assert_eq!(listed("").await.expect(200), json!([entry("AI"), entry("LH")]));
    let first = listed("?limit=1").await;
    let cursor = first.header("link").and_then(|link| link.split_once("cursor=")?.1.split(['&', '>']).next()).unwrap();
    assert_eq!(listed(&format!("?limit=1&cursor={cursor}")).await.expect(200), json!([entry("LH")]));
    assert_eq!(first.expect(200), json!([entry("AI")]));
    let second = listed("?limit=1&offset=1").await;
    assert_eq!(second.header("link"), None);
    assert_eq!(second.expect(200), json!([entry("LH")]));
    listed("?active=true").await.expect_problem(400, "validation_failed");
    admin.delete(LOGO).await.expect(204);
    assert_eq!(listed("").await.expect(200), json!([entry("LH")]));
}

#[tokio::test]
async fn a_repeated_upload_and_deletion_answer_the_same() {
    let world = World::start().await;
    let admin = world.admin().await;
    let upload = async || {
        let request = admin.request(Method::PUT, &image("DEL")).header("content-type", "image/png");
        Answer::of(request.header("idempotency-key", "upload").body(png(3, 3, b""))).await
    };
    let first = upload().await.expect(200);
    let again = upload().await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(200), first);
    for replayed in [None, Some("true")] {
        let deleted = admin.send(Method::DELETE, &image("DEL"), &[("idempotency-key", "deletion")], None).await;
        assert_eq!(deleted.header("idempotency-replayed"), replayed);
        deleted.expect(204);
    }
}
