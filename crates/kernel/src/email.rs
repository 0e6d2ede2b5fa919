//! Spellings of e-mail addresses: a domain has the same name in its own letters and in ASCII (RFC 5890, 2.3.2.4).
use unicode_normalization::UnicodeNormalization;

/// Returns the address with the ASCII form of its domain, which each mail server takes. `None`: the domain has none.
pub fn with_ascii_domain(address: &str) -> Option<String> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok().filter(|domain| !domain.is_empty())?;
    Some(format!("{local}@{domain}"))
}

/// Returns the form in which addresses are compared: in lower case, with the ASCII form of the domain.
pub fn email_key(address: &str) -> String {
    let composed: String = address.trim().nfc().collect();
    with_ascii_domain(&composed).unwrap_or(composed).to_lowercase()
}

/// Returns the keys under which an account or a digest of the address may stand, the key of today first. Addresses were
/// compared by their lower case alone before: the letters of a domain may stand as they were typed.
pub fn email_keys(address: &str) -> Vec<String> {
    let key = email_key(address);
    let in_letters =
        key.rsplit_once('@').map(|(local, domain)| format!("{local}@{}", idna::domain_to_unicode(domain).0));
    let mut keys = vec![key];
    for former in [Some(address.trim().to_lowercase()), in_letters].into_iter().flatten() {
        if !keys.contains(&former) {
            keys.push(former);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_has_one_key_in_each_spelling() {
        for (address, key) in [
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("Ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
            ("ann@BÜCHER.Example", "ann@xn--bcher-kva.example"),
            ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
            ("ann@bu\u{308}cher.example", "ann@xn--bcher-kva.example"),
            ("zoe\u{308}@example.com", "zoë@example.com"),
            (" ann@例え.jp ", "ann@xn--r8jz45g.jp"),
            ("O'Neil+Air@sub.example.co", "o'neil+air@sub.example.co"),
            ("ann", "ann"),
        ] {
            assert_eq!(email_key(address), key, "{address}");
        }
        assert_ne!(email_key("ann@bücher.example"), email_key("ann@bucher.example"));
    }

    #[test]
    fn accounts_of_former_keys_are_found_in_each_spelling() {
        assert_eq!(email_keys("Ann@example.com"), ["ann@example.com"]);
        let ascii = "ann@xn--bcher-kva.example";
        assert_eq!(email_keys("Ann@Bücher.example"), [ascii, "ann@bücher.example"]);
        assert_eq!(email_keys("ann@XN--bcher-kva.example"), [ascii, "ann@bücher.example"]);
    }

    #[test]
    fn a_domain_without_an_ascii_form_is_no_mail_domain() {
        assert_eq!(with_ascii_domain("Bo@Bücher.example").as_deref(), Some("Bo@xn--bcher-kva.example"));
        assert_eq!(with_ascii_domain("bo@xn--a.example"), None);
        assert_eq!(with_ascii_domain("bo"), None);
    }
}
