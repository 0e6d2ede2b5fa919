use async_graphql_parser::parse_query;

use super::*;
use crate::introspection;

const TYPES: &str = "
    scalar Boolean scalar Float scalar ID scalar Int scalar JSON scalar String
    enum Word { ONE TWO }
    input In { a: Int! words: [Word!] more: In any: JSON }
    type A { id: ID! name: String n: Int! below: A either: Either list(first: Int): [A!]! }
    type B { id: ID! name: Int n: Int b: B below: B }
    type C { id: ID! }
    union Either = A | B
    union Other = C | B
    type Query { a(id: ID, in: In, words: [Word], list: [[Int!]!]): A either: Either other: Other need(x: Int!): A }
    type Mutation { book(in: In!): A }
    type Subscription { a: A }";

fn texts(query: &str) -> String {
    let mut model = Model::default();
    introspection::add_definitions(&mut model, TYPES).unwrap();
    introspection::describe(&mut model).unwrap();
    match check(&model, &parse_query(query).unwrap()) {
        Ok(()) => String::new(),
        Err(Unfit::Invalid(text)) => text,
        Err(other) => panic!("{query}: {other:?}"),
    }
}

#[test]
fn a_valid_document_has_no_faults() {
    for query in [
        "{ a { id ...F ... { name } ... on A { n } } } fragment F on A { below { id } }",
        "{ either { __typename ... on A { id } ... on B { b { id } } ... on Either { __typename } ...O } }
            fragment O on Other { ... on B { id } }",
        "query($id: ID, $n: Int! = 1, $in: In, $words: [Word!]!) { a(id: $id, in: $in, words: $words) { list(first: $n) { id } } }",
        "query($one: Word, $n: Int!, $any: Int) { a(in: {a: $n, words: ONE, more: {a: 1, any: {x: [$any]}}}, words: [$one, null, TWO]) { id } }",
        "query($skip: Boolean!) { a @skip(if: $skip) @include(if: true) { id ...F @skip(if: $skip) ... @include(if: $skip) { n } } }
            fragment F on A { id }",
        "query($n: Int = 1) { need(x: $n) { id } a(list: [[1, 2], [$n]]) { id } }",
        "query One { ...F } query Two($id: ID) { ...F a2: a(id: $id) { id } } fragment F on Query { a { id } }",
        "{ a(id: 1, list: 1) { x: id x: id } } ",
        "{ either { ... on A { x: id y: below { x: n } } ... on B { x: id y: below { z: n } } } }",
        "{ either { ... on A { below { x: id } } ... on B { below { x: id } } } }",
        "mutation { book(in: {a: 1}) { id } }",
        "subscription { a { id } }",
        "{ __schema { types { name fields(includeDeprecated: true) { name type { name } } } directives { name } } }",
        "query($name: String!) { __type(name: $name) { kind ofType { name } } }",
    ] {
        assert_eq!(texts(query), "", "{query}");
    }
}

fn assert_texts(faults: &[(&str, &str)]) {
    for (query, expected) in faults {
        assert_eq!(texts(query), *expected, "{query}");
    }
}

#[test]
fn each_fault_of_fields_and_values_is_named_at_its_place() {
    assert_texts(&[
        ("{ a { secret } }", "There is no field `secret` of `A` (line 1, column 7)."),
        ("{ either { id } }", "There is no field `id` of `Either` (line 1, column 12)."),
        ("{ a { id { x } } }", "`id` is `ID!`, which has no fields (line 1, column 7)."),
        ("{ a }", "`a` is `A`: select fields of it (line 1, column 3)."),
        ("{ a(x: 1) { id } }", "There is no argument `x` of `a` (line 1, column 5)."),
        ("{ need { id } }", "`need` requires the argument `x` (line 1, column 3)."),
        ("{ need(x: null) { id } }", "`x` must not be null (line 1, column 11)."),
        ("{ need(x: \"1\") { id } }", "`x` is no `Int` (line 1, column 11)."),
        ("{ need(x: 3000000000) { id } }", "`x` is no `Int` (line 1, column 11)."),
        ("{ a(id: ONE) { id } }", "`id` is no `ID` (line 1, column 9)."),
        ("{ a(words: \"ONE\") { id } }", "`words` is no `Word` (line 1, column 12)."),
        ("{ a(words: [THREE]) { id } }", "`words` is no `Word` (line 1, column 12)."),
        ("{ a(in: 1) { id } }", "`in` is no `In` (line 1, column 9)."),
        ("{ a(in: {words: ONE}) { id } }", "`in.a` is required (line 1, column 9)."),
        ("{ a(in: {a: 1, more: {a: 1, b: 2}}) { id } }", "There is no member `in.more.b` (line 1, column 9)."),
        ("{ a(in: {a: 1, words: [null]}) { id } }", "`in.words` must not be null (line 1, column 9)."),
        ("{ a(list: [1, [\"x\"]]) { id } }", "`list` is no `Int` (line 1, column 11)."),
    ]);
}

#[test]
fn each_fault_of_variables_is_named_at_its_place() {
    assert_texts(&[
        ("query($n: Int) { need(x: $n) { id } }", "`$n` is `Int`, where `Int!` is expected (line 1, column 26)."),
        ("query($n: ID!) { need(x: $n) { id } }", "`$n` is `ID!`, where `Int!` is expected (line 1, column 26)."),
        ("query($n: Int) { a(list: $n) { id } }", "`$n` is `Int`, where `[[Int!]!]` is expected (line 1, column 26)."),
        (
            "query($w: [Word]) { a(in: {a: 1, words: $w}) { id } }",
            "`$w` is `[Word]`, where `[Word!]` is expected (line 1, column 27).",
        ),
        ("query($w: Word = \"ONE\") { a(words: [$w]) { id } }", "`$w` is no `Word` (line 1, column 18)."),
        (
            "query($a: ID) { a(in: {a: 1, b: $a}) { id { x(y: $a) } } }",
            "There is no member `in.b` (line 1, column 23); `id` is `ID!`, which has no fields (line 1, column 40).",
        ),
        (
            "query($a: ID) { typo(id: $a) { id } ...F } fragment F on Typo { id } fragment G on A { id }",
            "There is no field `typo` of `Query` (line 1, column 17); `Typo` is not an object or union type (line 1, column 58).",
        ),
        (
            "{ a(list: null, need: 1) { id } need(x: null) { id } }",
            "There is no argument `need` of `a` (line 1, column 17); `x` must not be null (line 1, column 41).",
        ),
        ("query($n: Int! = \"x\") { need(x: $n) { id } }", "`$n` is no `Int` (line 1, column 18)."),
        ("query($n: A) { a(id: $n) { id } }", "`A` is not an input type (line 1, column 7)."),
        ("query($n: Nothing) { a(id: 1) { id } }", "`Nothing` is not an input type (line 1, column 7)."),
        (
            "query($n: Int, $n: Int) { a(in: {a: 1, any: $n}) { id } }",
            "There are two variables `$n` (line 1, column 16); `$n` is `Int`, where `JSON` is expected (line 1, column 33).",
        ),
        ("{ a(id: $id) { id } }", "There is no variable `$id` (line 1, column 9)."),
        ("{ a(in: {a: 1, any: [$x]}) { id } }", "There is no variable `$x` (line 1, column 9)."),
        ("{ ...F } fragment F on Query { a(id: $id) { id } }", "There is no variable `$id` (line 1, column 38)."),
        ("query($id: ID) { a { id } }", "The variable `$id` is not used (line 1, column 7)."),
    ]);
}

#[test]
fn each_fault_of_fragments_and_directives_is_named_at_its_place() {
    assert_texts(&[
        ("{ a { id } } fragment F on A { id }", "The fragment `F` is not used (line 1, column 14)."),
        (
            "{ a { ...F } } fragment F on Nothing { id }",
            "`Nothing` is not an object or union type (line 1, column 30).",
        ),
        ("{ a { ... on Word { id } } }", "`Word` is not an object or union type (line 1, column 14)."),
        ("{ a { ...F } } fragment F on B { id }", "A fragment on `B` never applies to `A` (line 1, column 7)."),
        ("{ a { ... on Other { __typename } } }", "A fragment on `Other` never applies to `A` (line 1, column 14)."),
        ("{ a { id @deprecated } }", "There is no directive `@deprecated` (line 1, column 10)."),
        ("{ a { id @specifiedBy(url: \"x\") } }", "`@specifiedBy` is not allowed here (line 1, column 10)."),
        ("query @skip(if: true) { a { id } }", "`@skip` is not allowed here (line 1, column 7)."),
        ("{ a { ...F } } fragment F on A @skip(if: true) { id }", "`@skip` is not allowed here (line 1, column 32)."),
        ("{ a { id @skip(if: false) @skip(if: true) } }", "`@skip` is used here twice (line 1, column 27)."),
        ("{ a { id @skip } }", "`@skip` requires the argument `if` (line 1, column 10)."),
        ("{ a { id @include(if: 1) } }", "`if` is no `Boolean` (line 1, column 23)."),
        ("mutation { __schema { types { name } } }", "There is no field `__schema` of `Mutation` (line 1, column 12)."),
        ("{ __type { name } }", "`__type` requires the argument `name` (line 1, column 3)."),
        (
            "{ a { x y } }",
            "There is no field `x` of `A` (line 1, column 7); There is no field `y` of `A` (line 1, column 9).",
        ),
    ]);
}

#[test]
fn fields_that_cannot_be_one_are_refused() {
    for query in [
        "{ a { x: id x: name } }",
        "{ a(id: 1) { id } a(id: 2) { id } }",
        "{ a(id: 1) { id } a { id } }",
        "{ a { x: id ...F } } fragment F on A { x: name }",
        "{ a { below { x: id } } ...F } fragment F on Query { a { below { x: name } } }",
        "{ a { list(first: 1) { id } ... { list(first: 2) { id } } } }",
        "{ either { x: __typename ... on A { x: id } } }",
        "{ either { ... on A { x: n } ... on B { x: n } } }",
        "{ either { ... on A { x: id } ... on B { x: b { id } } } }",
        "{ either { ... on A { below { x: name } } ... on B { below { x: name } } } }",
        "{ either { ... on A { x: list { id } } ... on B { x: b { id } } } }",
        "{ either { ... on A { x: __typename } ... on B { x: n } } }",
    ] {
        assert!(texts(query).contains("is selected twice"), "{query}: {}", texts(query));
    }
}

#[test]
fn the_first_faults_are_reported() {
    let text = texts(&format!("{{ a {{ {} }} }}", (0..30).map(|n| format!("x{n} ")).collect::<Vec<_>>().concat()));
    assert_eq!(text.matches("There is no field").count(), MOST_FAULTS);
    assert!(text.contains("`x0`") && text.contains("`x9`"), "{text}");
}

#[test]
fn conflicts_are_looked_for_in_documents_that_are_valid_otherwise() {
    let names: Vec<String> = (0..100).map(|n| format!("T{n}")).collect();
    let types = names.iter().map(|name| format!("type {name} {{ id: ID! n: Int! }} ")).collect::<Vec<_>>().concat();
    let roots = format!("scalar ID scalar Int type Query {{ any: Any }} union Any = {}", names.join(" | "));
    let mut model = Model::default();
    introspection::add_definitions(&mut model, &format!("{types}{roots}")).unwrap();
    let checked = |field: &str, more: &str| {
        let of_each = names.iter().map(|name| format!("... on {name} {{ {field} }} ")).collect::<Vec<_>>().concat();
        check(&model, &parse_query(format!("{{ any {{ {of_each} {more} }} }}")).unwrap())
    };
    assert_eq!(checked("x: id", ""), Ok(()));
    let text = |result: Result<(), Unfit>| format!("{:?}", result.unwrap_err());
    assert!(text(checked("x: id", "... on T3 { x: n }")).contains("`x` is selected twice"));
    let invalid = text(checked("x: id", "... on T3 { x: n y }"));
    assert!(invalid.contains("There is no field `y`") && !invalid.contains("twice"), "{invalid}");
}
