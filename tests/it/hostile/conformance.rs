//! The documents of the W3C conformance suite that are not well formed, where the suite is at hand.
//!
//! Its licence allows passing on the archive only, so it is read where it lies, beside the project.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use emgate::soap::envelope::read_call;

use super::target::{Expect, SOAP, Target};

const LIST: &str = r#"
import base64, posixpath, re, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
for manifest in sorted(n for n in z.namelist() if n.endswith('.xml')):
    text = z.read(manifest).decode('utf-8', 'replace')
    if '<TEST ' not in text:
        continue
    for tag in re.findall(r'<TEST\s[^>]*>', text):
        a = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', tag))
        path = posixpath.normpath(posixpath.join(posixpath.dirname(manifest), a.get('URI', '')))
        if a.get('TYPE') == 'not-wf' and path in z.NameToInfo:
            print(path, '5' in a.get('EDITION', '5'), base64.b64encode(z.read(path)).decode())
"#;

struct Document {
    path: String,
    /// Whether it is not well formed by the fifth edition too.
    today: bool,
    bytes: Vec<u8>,
}

fn documents() -> Option<Vec<Document>> {
    let archive =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/data/xmlts20130923.zip");
    if !archive.exists() {
        println!("skipped: {} is not there", archive.display());
        return None;
    }
    let listed = Command::new("python3")
        .arg("-c")
        .arg(LIST)
        .arg(&archive)
        .output()
        .expect("python3 reads the archive");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let read = |line: &str| {
        let [path, today, bytes] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let bytes = base64::engine::general_purpose::STANDARD.decode(bytes).unwrap();
        Document { path: path.to_owned(), today: today == "True", bytes }
    };
    Some(String::from_utf8(listed.stdout).unwrap().lines().map(read).collect())
}

/// The document inside an envelope; its declaration stays in front.
fn enveloped(bytes: &[u8]) -> Vec<u8> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let end = bytes.windows(2).position(|w| w == b"?>").filter(|_| bytes.starts_with(b"<?xml"));
    let (declaration, rest) = bytes.split_at(end.map_or(0, |at| at + 2));
    let start = format!("<s:Envelope xmlns:s='{SOAP}'><s:Body>");
    [declaration, start.as_bytes(), rest, b"</s:Body></s:Envelope>"].concat()
}

#[test]
fn the_documents_of_the_w3c_that_are_not_well_formed_are_refused() {
    let Some(documents) = documents() else { return };
    assert!(documents.len() > 1000, "{}", documents.len());
    let mut target = Target::start();
    target.unchanged(|target| {
        for Document { path, today, bytes } in &documents {
            let answer = target.post(bytes);
            if (400..500).contains(&answer.status) {
                continue;
            }
            let fault = target.judge(path, &answer, Expect::Refusal).unwrap_or_default();
            let refused = ["soapenv:Client", "soapenv:VersionMismatch"].contains(&fault.code.as_str());
            let outcome = read_call(&enveloped(bytes));
            let let_in = *today && outcome.is_ok();
            if !refused || let_in {
                target.wrong(format!("{path}: {fault:?} {outcome:?}"));
            }
        }
    });
}
