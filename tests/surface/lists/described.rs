//! The lists of the API, as its description has them.
use std::collections::BTreeMap;

use loadmaster_testkit::Answer;

/// A list as the API's description has it.
pub struct Described {
    pub path: String,
    /// Its parameters beside those of pages, and whether they must be given.
    pub filters: BTreeMap<String, bool>,
    pub offset: bool,
    /// Nobody needs to say who they are: all see the same.
    pub is_public: bool,
}

/// Every list of the description that goes on by cursor.
pub fn described() -> BTreeMap<String, Described> {
    let document = serde_json::to_value(loadmaster::app::openapi()).unwrap();
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get") else { continue };
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let of_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let mut names: BTreeMap<String, bool> = of_query
            .map(|it| (it["name"].as_str().unwrap().to_owned(), it["required"].as_bool().unwrap_or(false)))
            .collect();
        if names.remove("cursor").is_none() {
            continue;
        }
        names.remove("limit");
        let offset = names.remove("offset").is_some();
        let name = operation["operationId"].as_str().unwrap().to_owned();
        let is_public = operation["security"].as_array().is_some_and(Vec::is_empty);
        found.insert(name, Described { path: path.clone(), filters: names, offset, is_public });
    }
    found
}

/// The address of the next page.
pub fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    Some(link.strip_prefix('<')?.split_once(">; rel=\"next\"")?.0.to_owned())
}
