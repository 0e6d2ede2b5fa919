//! Pages without scripts, for links in mails.

/// A page with a headline and paragraphs, and a form if there is something to do.
pub(super) fn page(title: &str, paragraphs: &[&str], form: &str) -> String {
    let paragraphs: Vec<String> = paragraphs.iter().map(|text| format!("<p>{}</p>\n", escaped(text))).collect();
    let paragraphs = paragraphs.concat();
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body{{max-width:36em;margin:4em auto;padding:0 1em;font:16px/1.5 sans-serif}}\
         button{{padding:.6em 1.2em;font:inherit}}input{{padding:.5em;font:inherit;width:100%;box-sizing:border-box}}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n{paragraphs}{form}</body>\n</html>\n"
    )
}

/// One button. Link scanners follow links and press none.
pub(super) fn button(label: &str) -> String {
    format!("<form method=\"post\"><button type=\"submit\">{}</button></form>\n", escaped(label))
}

/// A new password.
pub(super) const NEW_PASSWORD: &str = "<form method=\"post\">\n<p><label>New password<br>\
    <input type=\"password\" name=\"new\" required minlength=\"10\" maxlength=\"128\" autocomplete=\"new-password\"></label></p>\n\
    <button type=\"submit\">Set the password</button>\n</form>\n";

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
