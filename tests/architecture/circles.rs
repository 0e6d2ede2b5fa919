//! No two files of a room lean on each other, directly or by others; only the front door knows its children.
use std::collections::{BTreeMap, BTreeSet};

use super::{ROOMS, inward, sources::Source};

/// The files that have files below them: each is the front door of a room, or of a part of one, of the platform or of the app.
fn front_doors(house: &[Source]) -> Vec<&Source> {
    let of = |door: &Source, source: &Source| {
        source.module.len() > door.module.len() && source.module.starts_with(&door.module)
    };
    house.iter().filter(|door| house.iter().any(|source| of(door, source))).collect()
}

/// Which child of a room each file leans on, however it spells it: `super::model::Flight`, or `super::Flight` through the front
/// door. The front door itself knows all of its children.
fn leanings(door: &Source, house: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let room = &door.module;
    let own = |source: &&Source| source.module.len() > room.len() && source.module.starts_with(room);
    let child = |source: &Source| source.module[room.len()].clone();
    let children: BTreeSet<String> = house.iter().filter(own).map(child).collect();
    let inside =
        |path: &[String]| (path.len() > room.len() && path.starts_with(room)).then(|| path[room.len()..].to_vec());
    let shown: BTreeMap<String, String> = inward(door)
        .filter_map(|(_, path)| inside(path))
        .filter(|path| path.len() > 1 && children.contains(&path[0]))
        .map(|path| (path[path.len() - 1].clone(), path[0].clone()))
        .collect();
    let mut leanings = BTreeMap::<String, BTreeSet<String>>::new();
    for source in house.iter().filter(own) {
        let of = child(source);
        let paths = inward(source).filter(|(line, _)| !source.is_of_a_test(*line));
        let names = paths.filter_map(|(_, path)| inside(path)?.into_iter().next());
        let others =
            names.filter_map(|name| if children.contains(&name) { Some(name) } else { shown.get(&name).cloned() });
        leanings.entry(of.clone()).or_default().extend(others.filter(|other| *other != of && other != "tests"));
    }
    leanings
}

/// Children of a room that lean on each other, each after the one that it leans on.
fn circle(leanings: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(
        at: &str,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
        leanings: &BTreeMap<String, BTreeSet<String>>,
    ) -> Option<Vec<String>> {
        if let Some(begin) = way.iter().position(|known| known == at) {
            return Some(way[begin..].to_vec());
        }
        if !done.insert(at.to_owned()) {
            return None;
        }
        way.push(at.to_owned());
        let found = leanings.get(at).into_iter().flatten().find_map(|next| walk(next, way, done, leanings));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    leanings.keys().find_map(|name| walk(name, &mut Vec::new(), &mut done, leanings))
}

/// A line for each room with a circle.
pub fn within_rooms(house: &[Source]) -> Vec<String> {
    let doors = front_doors(house);
    assert!(doors.len() >= ROOMS.len());
    let circles = doors.iter().filter_map(|door| Some((&door.path, circle(&leanings(door, house))?)));
    circles.map(|(path, circle)| format!("{path}: {} in a circle", circle.join(" → "))).collect()
}

#[test]
fn a_circle_within_a_room_is_found_through_the_front_door_too() {
    let of = |texts: [(&str, &str); 3]| {
        let house = texts.map(|(name, text)| Source::read(&format!("crates/flights/src/{name}.rs"), text));
        circle(&leanings(&house[0], &house))
    };
    let door = ("lib", "mod find;\nmod model;\npub use find::Finder;\npub use model::Flight;");
    assert_eq!(of([door, ("find", "use super::Flight;"), ("model", "struct Flight;")]), None);
    let circle = Some(vec!["find".to_owned(), "model".to_owned()]);
    assert_eq!(of([door, ("find", "use super::Flight;"), ("model", "use super::Finder;")]), circle);
    assert_eq!(of([door, ("find", "use super::model;"), ("model", "use super::find::Finder;")]), circle);
    let in_tests = "struct Flight;\n#[cfg(test)]\nmod tests {\n    use crate::Finder;\n}";
    assert_eq!(of([door, ("find", "use super::Flight;"), ("model", in_tests)]), None);
}
