//! Reads source files into what the rules ask about. Bodies of macros and attributes are only tokens to `syn`; what looks
//! like a path in them counts as one.
use std::{collections::BTreeMap, fs, path::Path};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::{
    spanned::Spanned,
    visit::{self, Visit},
};

/// What the rules need to know of one file; each finding with its line.
pub struct Source {
    /// From the root of the repository: `crates/bookings/src/book.rs`.
    pub path: String,
    /// `["bookings", "book"]`: the name of the crate, but of the one in `src`, and its module.
    pub module: Vec<String>,
    pub lines: usize,
    /// Every path, with imports resolved: those into our crates begin with `crate`, and the name of the crate but of the one in
    /// `src`.
    pub paths: Vec<(usize, Vec<String>)>,
    /// The names of the macros that are called.
    pub macros: Vec<(usize, String)>,
    pub asyncs: Vec<usize>,
    /// Calls of `begin` and its like, with the last name of what they are called on.
    pub begins: Vec<(usize, String)>,
    /// Each word of the text, in lower case: names are taken apart.
    pub words: Vec<(usize, String)>,
    /// The words of names and comments alone.
    pub spoken: Vec<(usize, String)>,
    /// From where on there is nothing but tests.
    tests_from: Option<usize>,
    /// Lines of items that only tests have.
    of_tests: Vec<usize>,
    /// Name and lines between the braces of each function with a body.
    pub functions: Vec<(usize, String, usize)>,
}

/// All files below a folder of the repository.
pub fn below(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    found
}

fn collect(folder: &Path, into: &mut Vec<Source>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, into);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let path = entry.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap().to_owned();
            into.push(Source::read(&path, &fs::read_to_string(&entry).unwrap()));
        }
    }
}

impl Source {
    pub fn read(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path} cannot be parsed: {error}"));
        let root = crate_of(path);
        let inside = path.strip_suffix(".rs").unwrap();
        let inside = inside.strip_prefix("src/").or_else(|| Some(inside.split_once("/src/")?.1)).unwrap_or(inside);
        let mut module: Vec<String> = root.into_iter().chain(inside.split('/')).map(str::to_owned).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
            module.pop();
        }
        let mut names = Names { here: module.clone(), names: BTreeMap::new() };
        names.visit_file(&file);
        let source = Self {
            path: path.to_owned(),
            module: module.clone(),
            lines: text.lines().count(),
            paths: Vec::new(),
            macros: Vec::new(),
            asyncs: Vec::new(),
            begins: Vec::new(),
            words: words(text),
            spoken: words(&without_literals(text)),
            tests_from: tests_from(path, text),
            of_tests: (2..).zip(text.lines()).filter(|(_, line)| line.trim() == TESTS).map(|(next, _)| next).collect(),
            functions: Vec::new(),
        };
        let root = root.map(str::to_owned);
        let mut reader = Reader { root, here: module, names: names.names, source };
        reader.visit_file(&file);
        reader.source
    }

    pub fn is_of_a_test(&self, line: usize) -> bool {
        self.tests_from.is_some_and(|from| line >= from) || self.of_tests.contains(&line)
    }

    /// Whether the file uses anything of that crate.
    pub fn speaks(&self, of: &str) -> bool {
        self.paths.iter().any(|(_, path)| path[0] == of && path.len() > 1)
    }
}

/// The name of the crate below `crates` that a file is of.
fn crate_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.split('/').next()
}

/// `LockFlights`, `lock_flights` and `lock:flights` are two words each.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let mut word = String::new();
        let mut was_lower = false;
        for letter in text.chars().chain([' ']) {
            let begins = letter.is_ascii_uppercase() && was_lower;
            if (begins || !letter.is_ascii_alphabetic()) && !word.is_empty() {
                found.push((line, std::mem::take(&mut word)));
            }
            if letter.is_ascii_alphabetic() {
                word.push(letter.to_ascii_lowercase());
            }
            was_lower = letter.is_ascii_lowercase();
        }
    }
    found
}

/// The text with blanks in place of its literals.
fn without_literals(text: &str) -> String {
    let mut lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    blank_literals(text.parse().unwrap(), &mut lines);
    let lines: Vec<String> = lines.into_iter().map(String::from_iter).collect();
    lines.join("\n")
}

fn blank_literals(stream: TokenStream, lines: &mut [Vec<char>]) {
    for tree in stream {
        let (start, end) = (tree.span().start(), tree.span().end());
        match tree {
            TokenTree::Group(group) => blank_literals(group.stream(), lines),
            // The text of a comment that documents something is a literal, too.
            TokenTree::Literal(_) if lines[start.line - 1][start.column] != '/' => {
                for at in start.line..=end.line {
                    let line = &mut lines[at - 1];
                    let from = if at == start.line { start.column } else { 0 };
                    let to = if at == end.line { end.column } else { line.len() };
                    line[from..to].fill(' ');
                }
            }
            _ => {}
        }
    }
}

const TESTS: &str = "#[cfg(test)]";

/// Tests stand at the end of a file, or in a file of their own.
fn tests_from(path: &str, text: &str) -> Option<usize> {
    if path.ends_with("/tests.rs") {
        return Some(1);
    }
    let lines: Vec<&str> = text.lines().collect();
    let begin = lines.iter().enumerate().filter(|(_, line)| **line == TESTS).find(|(at, _)| {
        let declared = lines[at + 1..].iter().find(|line| !line.starts_with("#["));
        // A module in a file of its own may be declared at the top.
        declared.is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    });
    begin.map(|(at, _)| at + 1)
}

/// Every leaf of a `use`: its path, and the name it is known by from then on.
fn leaves(tree: &syn::UseTree, prefix: &[String], found: &mut Vec<(usize, Vec<String>, String)>) {
    let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
    let line = tree.span().start().line;
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, &with(&path.ident), found),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, prefix, found)),
        syn::UseTree::Glob(_) => found.push((line, [prefix, &["*".to_owned()]].concat(), "*".to_owned())),
        syn::UseTree::Rename(rename) => found.push((line, with(&rename.ident), rename.rename.to_string())),
        syn::UseTree::Name(name) if name.ident == "self" => {
            found.push((line, prefix.to_vec(), prefix.last().cloned().unwrap_or_default()));
        }
        syn::UseTree::Name(name) => found.push((line, with(&name.ident), name.ident.to_string())),
    }
}

/// What each name stands for, by the module that imports or declares it.
struct Names {
    here: Vec<String>,
    names: BTreeMap<(Vec<String>, String), Vec<String>>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut found = Vec::new();
        leaves(&item.tree, &[], &mut found);
        for (_, path, name) in found {
            self.names.insert((self.here.clone(), name), path);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        self.names.insert((self.here.clone(), name.clone()), vec!["self".to_owned(), name.clone()]);
        self.here.push(name);
        visit::visit_item_mod(self, item);
        self.here.pop();
    }
}

struct Reader {
    /// The name of the crate below `crates`.
    root: Option<String>,
    here: Vec<String>,
    names: BTreeMap<(Vec<String>, String), Vec<String>>,
    source: Source,
}

impl Reader {
    fn add(&mut self, line: usize, path: &[String]) {
        let absolute = self.absolute(&self.here, path, 0);
        self.source.paths.push((line, absolute));
    }

    /// The path from the root of its crate, as far as this file tells.
    fn absolute(&self, here: &[String], path: &[String], depth: usize) -> Vec<String> {
        let first = path.first().map(String::as_str).unwrap_or_default();
        if let Some(of) = first.strip_prefix("loadmaster_") {
            return [&["crate".to_owned(), of.to_owned()], &path[1..]].concat();
        }
        if !matches!(first, "crate" | "self" | "super") {
            // A module inside this file sees its parents' names only through a glob; that it might is enough.
            let modules = (self.source.module.len()..=here.len()).rev().map(|length| here[..length].to_vec());
            let mut known = modules.filter_map(|module| {
                let meaning = self.names.get(&(module.clone(), first.to_owned()))?;
                Some((module, meaning))
            });
            return match known.next().filter(|_| depth < 8 && first != "*") {
                Some((module, meaning)) => self.absolute(&module, &[meaning, &path[1..]].concat(), depth + 1),
                None => path.to_vec(),
            };
        }
        let mut base = vec!["crate".to_owned()];
        if first == "crate" {
            base.extend(self.root.clone());
        } else {
            base.extend_from_slice(here);
        }
        for segment in path {
            match segment.as_str() {
                "crate" | "self" => {}
                "super" => drop(base.pop()),
                _ => base.push(segment.clone()),
            }
        }
        base
    }

    fn function(&mut self, name: &syn::Ident, body: &syn::Block) {
        let braces = body.brace_token.span;
        let between = braces.close().start().line.saturating_sub(braces.open().start().line + 1);
        self.source.functions.push((name.span().start().line, name.to_string(), between));
    }

    fn tokens(&mut self, stream: TokenStream, prefix: &[String]) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            match &trees[at] {
                TokenTree::Ident(_) => at = self.name_in_tokens(&trees, at, prefix),
                TokenTree::Group(group) => {
                    self.tokens(group.stream(), &[]);
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads the path that begins at `at`, and whatever is in its braces; answers where it ends.
    fn name_in_tokens(&mut self, trees: &[TokenTree], at: usize, prefix: &[String]) -> usize {
        let line = trees[at].span().start().line;
        let word = trees[at].to_string();
        if matches!(word.as_str(), "async" | "await") {
            self.source.asyncs.push(line);
        }
        let called = |at: usize| matches!(trees.get(at), Some(TokenTree::Group(_)));
        if is_begin(&word) && at > 1 && is_punctuation(&trees[at - 1], '.') && called(at + 1) {
            // `state().begin()`: the parentheses are a tree of their own.
            let receiver = trees[..at - 1].iter().rev().find(|tree| matches!(tree, TokenTree::Ident(_)));
            self.source.begins.push((line, receiver.map(ToString::to_string).unwrap_or_default()));
        }
        let mut path = [prefix, &[word]].concat();
        let mut next = at + 1;
        while let (Some(one), Some(two)) = (trees.get(next), trees.get(next + 1))
            && is_punctuation(one, ':')
            && is_punctuation(two, ':')
        {
            next += 2;
            match trees.get(next) {
                Some(TokenTree::Ident(name)) => path.push(name.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.tokens(group.stream(), &path);
                    return next + 1;
                }
                Some(star) if is_punctuation(star, '*') => path.push("*".to_owned()),
                _ => break,
            }
            next += 1;
        }
        let is_macro = trees.get(next).is_some_and(|tree| is_punctuation(tree, '!')) && called(next + 1);
        if is_macro {
            self.source.macros.extend(path.last().map(|name| (line, name.clone())));
        }
        // A word alone is a name of its own, unless an import gave it another meaning.
        self.add(line, &path);
        next
    }
}

fn is_begin(name: &str) -> bool {
    matches!(name, "begin" | "begin_with" | "try_begin")
}

fn is_punctuation(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(found) if found.as_char() == sign)
}

/// The last name of what a method is called on: `pool` of `self.pool` and of `db.pool()`.
fn last_name(expression: &syn::Expr) -> String {
    match expression {
        syn::Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default(),
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => name.to_string(),
            syn::Member::Unnamed(index) => index.index.to_string(),
        },
        syn::Expr::MethodCall(call) => call.method.to_string(),
        syn::Expr::Call(call) => last_name(&call.func),
        syn::Expr::Reference(reference) => last_name(&reference.expr),
        syn::Expr::Unary(unary) => last_name(&unary.expr),
        syn::Expr::Paren(paren) => last_name(&paren.expr),
        syn::Expr::Await(awaited) => last_name(&awaited.base),
        syn::Expr::Try(tried) => last_name(&tried.expr),
        _ => "something".to_owned(),
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.here.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.here.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut found = Vec::new();
        leaves(&item.tree, &[], &mut found);
        for (line, path, _) in found {
            self.add(line, &path);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(path.span().start().line, &names);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let line = called.path.span().start().line;
        self.source.macros.extend(called.path.segments.last().map(|name| (line, name.ident.to_string())));
        self.tokens(called.tokens.clone(), &[]);
        visit::visit_macro(self, called);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.tokens(list.tokens.clone(), &[]);
        visit::visit_meta_list(self, list);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.source.asyncs.extend(signature.asyncness.map(|word| word.span.start().line));
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.source.asyncs.push(block.async_token.span.start().line);
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_await(&mut self, awaited: &'ast syn::ExprAwait) {
        self.source.asyncs.push(awaited.await_token.span.start().line);
        visit::visit_expr_await(self, awaited);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.source.asyncs.extend(closure.asyncness.map(|word| word.span.start().line));
        visit::visit_expr_closure(self, closure);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if is_begin(&call.method.to_string()) {
            self.source.begins.push((call.method.span().start().line, last_name(&call.receiver)));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig.ident, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function(&function.sig.ident, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.function(&function.sig.ident, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}
