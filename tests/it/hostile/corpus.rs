//! The corpus: everything that can be said in one input, thrown at one gateway with requests between that must work. Afterwards nothing is
//! left of it: no memory, no file, no row, no panic (LIM-10).

use std::collections::{BTreeMap, BTreeSet};

use super::input::Input;
use super::target::{Expect, Target, envelope};
use super::{em_api, envelopes, framing, lexical, tricks};

/// Bodies of nearly a mebibyte that are a few characters over and over.
fn monotonous() -> Vec<Input> {
    let kinds = [
        "<x/>",
        "<x>",
        "</x>",
        "<",
        ">",
        "&",
        "<x a='",
        "<x a='1'/>",
        "<!--",
        "<!-- -->",
        "<![CDATA[",
        "<![CDATA[x]]>",
        "<?",
        "<!",
        "x ",
        "\"",
        "&#65;",
        "\u{10FFFF}",
        "<a><b>",
        "\t",
        "]]>",
        "<a:b/>",
    ];
    let full = |one: &&str| {
        let text = one.repeat(1_040_000 / one.len());
        let body = envelope("getPhone", &text);
        Input {
            what: format!("{one} over and over"),
            ..Input::soap("monotonous", body, Expect::Fault("soapenv:Client"))
        }
    };
    kinds.iter().map(full).collect()
}

fn corpus() -> Vec<Input> {
    [
        envelopes::corpus(),
        tricks::corpus(),
        lexical::corpus(),
        monotonous(),
        framing::corpus(),
        em_api::corpus(),
    ]
    .concat()
}

#[test]
fn every_input_of_the_corpus_is_answered_as_it_should_be_and_leaves_nothing_behind() {
    let inputs = corpus();
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    inputs.iter().for_each(|input| *classes.entry(input.class).or_default() += 1);
    let distinct = inputs.iter().map(|input| (input.door, &input.bytes)).collect::<BTreeSet<_>>().len();
    println!("{distinct} inputs: {classes:?}");
    assert!(distinct >= 500 && distinct == inputs.len(), "{distinct} of {} are distinct", inputs.len());
    let mut target = Target::start();
    target.unchanged(|target| {
        for input in inputs.iter().filter(|input| ["monotonous", "packed", "sizes"].contains(&input.class)) {
            target.try_input(input);
        }
        let (warm, files) = (target.process.resident_kib(), target.process.open_files());
        let mut peak = warm;
        for input in &inputs {
            target.try_input(input);
            peak = peak.max(target.process.resident_kib());
        }
        target.await_open_files(files);
        let after = target.process.resident_kib();
        println!(
            "resident: warm {warm} KiB, highest seen {peak} KiB, after {after} KiB; {files} files are open"
        );
        assert!(after < warm + (32 << 10) && peak < warm + (96 << 10), "{warm} KiB, {peak} KiB, {after} KiB");
    });
}
