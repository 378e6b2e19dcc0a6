//! The address of the database as it is used: with limits on how long a dead server goes unnoticed.

/// How soon a connection to a server that is gone without a word is given up; settings of the client library, in its own names.
const NOTICE: &str =
    "connect_timeout=5&keepalives_idle=5&keepalives_interval=2&keepalives_count=3&tcp_user_timeout=10000";

/// The address with [`NOTICE`] in it. Of a setting that is given twice the last one holds, so that the operator's own come after ours.
pub(super) fn with_notice(url: &str) -> String {
    let scheme = ["postgres://", "postgresql://"].into_iter().find(|scheme| url.starts_with(scheme));
    let Some(scheme) = scheme else { return format!("{} {url}", NOTICE.replace('&', " ")) };
    // a password may hold a question mark
    let host = match url.get(scheme.len()..).and_then(|rest| rest.split_once(['@', '/'])) {
        Some((user, _)) if url.as_bytes().get(scheme.len() + user.len()) == Some(&b'@') => {
            scheme.len() + user.len()
        }
        Some(_) | None => scheme.len(),
    };
    let (user, place) = url.split_at(host);
    match place.split_once('?') {
        Some((place, settings)) => format!("{user}{place}?{NOTICE}&{settings}"),
        None => format!("{url}?{NOTICE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_gets_time_outs_and_keeps_its_own_settings_last() {
        let pairs = NOTICE.replace('&', " ");
        for (given, used) in [
            ("postgres://u:p@h:5432/d", format!("postgres://u:p@h:5432/d?{NOTICE}")),
            ("postgresql://u:p?q@h/d", format!("postgresql://u:p?q@h/d?{NOTICE}")),
            ("postgres://h/d?sslmode=require", format!("postgres://h/d?{NOTICE}&sslmode=require")),
            ("postgres://u@h?connect_timeout=9", format!("postgres://u@h?{NOTICE}&connect_timeout=9")),
            ("postgresql:///d?host=/run/a@b", format!("postgresql:///d?{NOTICE}&host=/run/a@b")),
            ("postgres://u@%2Frun%2Fpg/d", format!("postgres://u@%2Frun%2Fpg/d?{NOTICE}")),
            ("host=/run/pg dbname=d", format!("{pairs} host=/run/pg dbname=d")),
        ] {
            assert_eq!(with_notice(given), used);
        }
    }
}
