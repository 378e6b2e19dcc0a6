//! Heads and framing of HTTP that clients get wrong or attackers get right (LIM-2 to LIM-8).

use super::input::{AUTHORIZED, Door, Input};
use super::target::{Expect, PHONE, envelope};

const PAGE: &str = "/emapp/EMAppServlet";
const BAD: Expect = Expect::HangUp(400);

fn good() -> String {
    envelope("getPhone", &format!("<name>{PHONE}</name>"))
}

/// A POST to the service with these fields and this body.
fn post(fields: &str, body: &str) -> String {
    format!("POST /axl/ HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZED}{fields}\r\n{body}")
}

fn get(line: &str, fields: &str) -> String {
    format!("{line}\r\n{fields}\r\n")
}

const HOST: &str = "Host: localhost\r\n";

/// What says contradictory or unreadable things about the length of a body.
fn lengths() -> Vec<Input> {
    let fields = [
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
        "Content-Length: 1\r\ncontent-length: 1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 1,1\r\n",
        "Content-Length: 1, 2\r\n",
        "Content-Length: 0x1\r\n",
        "Content-Length: 1 1\r\n",
        "Content-Length: 1.0\r\n",
        "Content-Length: 1e0\r\n",
        "Content-Length: \r\n",
        "Content-Length: x\r\n",
        "Content-Length: \u{661}\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length : 1\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\u{b}: chunked\r\n",
    ];
    let raw = |fields: &&str| Input::raw("framing", Door::Tls, post(fields, "0\r\n\r\n"), BAD);
    fields.iter().map(raw).collect()
}

/// Chunks that are none.
fn chunks() -> Vec<Input> {
    let wrong = [
        "-1\r\nx\r\n0\r\n\r\n",
        "zz\r\nx\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nx\r\n",
        "1\r\nxy\r\n0\r\n\r\n",
        "0x1\r\nx\r\n0\r\n\r\n",
        " 1\r\nx\r\n0\r\n\r\n",
        "1\nx\n0\n\n",
        "\r\n1\r\nx\r\n0\r\n\r\n",
        "1\r\nx0\r\n\r\n",
        "1;\u{0}\r\nx\r\n0\r\n\r\n",
        "+1\r\nx\r\n0\r\n\r\n",
        "1\r\rx\r\n0\r\n\r\n",
        "8000000000000000\r\nx\r\n0\r\n\r\n",
        ",1\r\nx\r\n0\r\n\r\n",
    ];
    let chunked = |body: &str, expect| {
        Input::raw("chunks", Door::Tls, post("Transfer-Encoding: chunked\r\n", body), expect)
    };
    let good = good();
    let all = format!("{:x}\r\n{good}\r\n", good.len());
    let fine = [
        format!("{all}0\r\n\r\n"),
        format!("{:x};a=b\r\n{good}\r\n0\r\n\r\n", good.len()),
        format!("{:x};a=\"b\"\r\n{good}\r\n0;c\r\n\r\n", good.len()),
        format!("0000{all}0\r\n\r\n"),
        good.bytes().map(|b| format!("1\r\n{}\r\n", b as char)).collect::<String>() + "0\r\n\r\n",
    ];
    let perhaps = [
        format!("{all}0\r\nX-Trailer: y\r\n\r\n"),
        format!("{all}0\r\nContent-Length: 5\r\n\r\n"),
        format!("{all}0\r\n{AUTHORIZED}\r\n"),
        format!("{all}0\r\n{}\r\n", format!("X: {}\r\n", "y".repeat(1000)).repeat(300)),
        format!("{:x};{}\r\n{good}\r\n0\r\n\r\n", good.len(), "a".repeat(300_000)),
    ];
    let wrong = wrong.iter().map(|body| chunked(body, Expect::Cut));
    let fine = fine.iter().map(|body| chunked(body, Expect::Status(200)));
    wrong.chain(fine).chain(perhaps.iter().map(|body| chunked(body, Expect::Unharmed))).collect()
}

/// Lines and fields that HTTP does not know.
fn heads() -> Vec<Input> {
    let line = format!("GET {PAGE} HTTP/1.1");
    let fields = [
        "X-A: a\r\n folded\r\n",
        "X-A: a\r\n\tfolded\r\n",
        "X-A : a\r\n",
        "X-A\t: a\r\n",
        "X-A: a\rb\r\n",
        "X-A: a\u{0}b\r\n",
        "X-A: a\u{1}b\r\n",
        "X-A: a\u{7f}b\r\n",
        "X-A\r\n",
        ": x\r\n",
        "X A: x\r\n",
        "X@A: x\r\n",
        "X\u{e9}: x\r\n",
        "X\u{0}: x\r\n",
        "\u{0}\r\n",
        "(x): y\r\n",
        "Host: localhost\r\n",
        "Host:\r\n",
    ];
    let refused = fields.iter().map(|field| get(&line, &format!("{HOST}{field}")));
    let lines = [
        "GET",
        "GET /",
        "GET  / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET / HTTP/1.1 x",
        "GET / http/1.1",
        "GET / HTTP/0.9",
        "GET / HTTP/2.0",
        "GET / HTTP/3",
        "GET / HTTP/1.2",
        "GET / HTTP/1.10",
        "GET / HTTP/11",
        "GET / HTP/1.1",
        "GET /\u{0} HTTP/1.1",
        "GET /\u{1} HTTP/1.1",
        "G\u{0}T / HTTP/1.1",
        "G(T / HTTP/1.1",
        " GET / HTTP/1.1",
        "/ GET HTTP/1.1",
        "GET /a b HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n",
    ];
    let lines = lines.iter().map(|line| get(line, HOST));
    let strange = [
        "SSH-2.0-x\r\n\r\n",
        "{\"a\":1}\r\n\r\n",
        "\u{0}\u{0}\u{0}\u{0}\r\n\r\n",
        "HELO x\r\n\r\n",
        "\r\n\r\n\r\nx\r\n\r\n",
    ]
    .map(str::to_owned);
    let raw = |door| move |bytes: String| Input::raw("heads", door, bytes, BAD);
    let refused: Vec<String> = refused.chain(lines).chain(strange).collect();
    refused.iter().cloned().map(raw(Door::Phone)).chain(refused.iter().cloned().map(raw(Door::Tls))).collect()
}

/// Heads that are well formed and ask for what is not there.
fn targets() -> Vec<Input> {
    let ask = |line: &str, fields: &str, expect| {
        Input::raw("targets", Door::Tls, get(line, &format!("{HOST}{fields}")), expect)
    };
    let status = Expect::Status;
    let mut inputs: Vec<Input> = [
        ("/AXL/", 404),
        ("/axl", 404),
        ("//axl/", 404),
        ("/axl//", 404),
        ("/axl/.", 404),
        ("/axl/../axl/", 404),
        ("/%61xl/", 404),
        ("/axl%2f", 404),
        ("/axl/%00", 404),
        ("/axl/;jsessionid=x", 404),
        ("/axl/..%2f..%2fetc/passwd", 404),
        ("/axl/....//x.wsdl", 404),
        ("/axl/%2e%2e/x.xsd", 404),
        ("/axl/\\..\\x.wsdl", 404),
        ("/metrics", 404),
        ("/health/ready", 404),
        ("/", 404),
        ("/favicon.ico", 404),
        ("/.git/config", 404),
        ("/cgi-bin/.%2e/bin/sh", 404),
        ("https://localhost/nothing", 404),
        ("https://evil.example/axl/", 421),
        ("http://localhost@evil.example/axl/", 421),
    ]
    .iter()
    .map(|(target, expected)| ask(&format!("GET {target} HTTP/1.1"), "", status(*expected)))
    .collect();
    for host in [
        "evil.example",
        "localhost.evil.example",
        "localhost, evil.example",
        "user@localhost",
        "localhost:x",
        "[::1",
        "%6cocalhost",
        "127.1",
    ] {
        let head = format!("GET /axl/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
        inputs.push(Input::raw("targets", Door::Tls, head, Expect::Unadmitted));
    }
    for method in [
        "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "post", "POST2", "CONNECT",
        "M-SEARCH",
    ] {
        inputs.push(ask(&format!("{method} /axl/ HTTP/1.1"), AUTHORIZED, status(405)));
    }
    inputs.push(Input::raw(
        "targets",
        Door::Tls,
        "CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        Expect::Unadmitted,
    ));
    inputs.push(Input::raw(
        "targets",
        Door::Tls,
        "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        Expect::Unadmitted,
    ));
    inputs
}

/// Well-formed requests with something in them that must not matter, or must be refused by name.
fn fields() -> Vec<Input> {
    let good = good();
    let length = format!("Content-Length: {}\r\n", good.len());
    let send = |fields: &str, expect| {
        Input::raw("fields", Door::Tls, post(&format!("{fields}{length}"), &good), expect)
    };
    let mut inputs = Vec::new();
    for fine in [
        "Connection: close, x\r\n",
        "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
        "Connection: Content-Length\r\n",
        "Range: bytes=0-1\r\n",
        "If-None-Match: *\r\n",
        "If-Modified-Since: x\r\n",
        "Accept: nothing/at-all\r\n",
        "Accept-Encoding: gzip, br\r\n",
        "Cookie: a=b; $x; ;;=\r\n",
        "X-Forwarded-For: 127.0.0.1\r\n",
        "X-Forwarded-Host: evil.example\r\n",
        "X-Original-URL: /metrics\r\n",
        "X-HTTP-Method-Override: DELETE\r\n",
        "Forwarded: for=127.0.0.1\r\n",
        "Via: 1.1 x\r\n",
        "TE: trailers\r\n",
        "Trailer: Content-Length\r\n",
        "Referer: http://evil.example/\r\n",
        "Content-MD5: x\r\n",
        "MIME-Version: 1.0\r\n",
        "Max-Forwards: 0\r\n",
        "SOAPAction: \"CUCM:DB ver=12.5 removePhone\"\r\n",
        "SOAPAction: a\r\nSOAPAction: b\r\n",
        "traceparent: zz-x\r\n",
        "X-Request-Id: '; --\r\n",
        "X-A: \u{ff}\u{fe}\r\n",
        "Content-Encoding: identity\r\n",
        "Content-Type: multipart/related; boundary=x\r\n",
    ] {
        inputs.push(send(fine, Expect::Status(200)));
    }
    // the library takes such a body for a stream without an end, whatever its length says
    inputs.push(send("Connection: Upgrade\r\nUpgrade: websocket\r\n", Expect::Cut));
    for encoding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "x-gzip",
        "identity, gzip",
        "gzip, gzip, gzip",
        "GZIP",
        "\"gzip\"",
        "*",
    ] {
        inputs.push(send(&format!("Content-Encoding: {encoding}\r\n"), Expect::Status(415)));
    }
    for foreign in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: https://localhost.evil.example\r\n",
        "Origin:\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        inputs.push(send(foreign, Expect::Status(403)));
    }
    inputs
}

/// Credentials that are none.
fn credentials() -> Vec<Input> {
    let values = [
        "Basic",
        "Basic ",
        "Basic !",
        "Basic OnA=",
        "Basic dTo=",
        "Basic dQ==",
        "basic dTpw, Basic dTpw",
        "Bearer x",
        "Digest username=\"admin\"",
        "Negotiate x",
        "NTLM TlRMTVNTUAAB",
        "Basic /////w==",
        "Basic YWRtaW4AOng=",
        "\u{1}",
        "x\r\nAuthorization: Basic dTpw",
    ];
    let ask = |value: &&str| {
        let head = format!("GET /axl/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: {value}\r\n\r\n");
        Input::raw("credentials", Door::Tls, head, Expect::Unadmitted)
    };
    values.iter().map(ask).collect()
}

/// Heads and bodies that are too long.
fn sizes() -> Vec<Input> {
    let long = |n: usize| "a".repeat(n);
    let raw = |door, bytes: String, expect| Input::raw("sizes", door, bytes, expect);
    let get =
        |door, line: &str, fields: &str, expect| raw(door, format!("{line}\r\n{HOST}{fields}\r\n"), expect);
    let many = |n: usize, value: usize| {
        (0..n).map(|i| format!("X-{i}: {}\r\n", "v".repeat(value))).collect::<String>()
    };
    let mut inputs = Vec::new();
    for door in [Door::Phone, Door::Tls] {
        inputs.extend([
            get(door, &format!("GET /{} HTTP/1.1", long(8192)), "", Expect::HangUp(414)),
            get(door, &format!("GET /{} HTTP/1.1", long(60_000)), "", Expect::HangUp(414)),
            get(door, &format!("GET {PAGE}?{} HTTP/1.1", long(5000)), "", Expect::HangUp(414)),
            get(
                door,
                &format!("GET {PAGE} HTTP/1.1"),
                &format!("X: {}\r\n", long(8193)),
                Expect::HangUp(431),
            ),
            get(door, &format!("GET {PAGE} HTTP/1.1"), &many(5, 8000), Expect::HangUp(431)),
            get(door, &format!("GET {PAGE} HTTP/1.1"), &many(97, 1), Expect::Cut),
            get(door, &format!("GET {PAGE} HTTP/1.1"), &many(3000, 1), Expect::Cut),
            get(door, &format!("GET {PAGE} HTTP/1.1"), &many(30, 8000), Expect::Cut),
            get(door, &format!("GET {PAGE} HTTP/1.1"), &format!("{}: x\r\n", long(60_000)), Expect::Cut),
            get(door, &format!("{} {PAGE} HTTP/1.1", long(5000).to_uppercase()), "", Expect::Unadmitted),
            raw(door, format!("GET /{}", long(500_000)), Expect::Cut),
            raw(door, long(500_000), Expect::Cut),
            raw(door, "\r\n".repeat(100_000), Expect::Cut),
        ]);
    }
    let announced =
        |n: &str| raw(Door::Tls, post(&format!("Content-Length: {n}\r\n"), "x"), Expect::HangUp(413));
    inputs.extend(
        ["1048577", "2147483648", "4294967296", "9223372036854775807", "18446744073709551615"].map(announced),
    );
    let chunk = format!("10000\r\n{}\r\n", long(65_536));
    inputs.push(raw(
        Door::Tls,
        post("Transfer-Encoding: chunked\r\n", &chunk.repeat(17)),
        Expect::HangUp(413),
    ));
    inputs.push(raw(
        Door::Tls,
        post("Transfer-Encoding: chunked\r\n", &format!("7fffffff\r\n{}", long(2_000_000))),
        Expect::HangUp(413),
    ));
    inputs
}

/// Bodies that are packed: refused by name where a field says so, no message where none does.
fn packed() -> Vec<Input> {
    let bomb = bomb(1_000_000);
    let gzip = [b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\xFF".as_slice(), &bomb, &[0; 8]].concat();
    let zlib = [b"\x78\x9C".as_slice(), &bomb].concat();
    let posted = |fields: &str, body: &[u8], expect| {
        let head = post(&format!("{fields}Content-Length: {}\r\n", body.len()), "");
        Input::raw("packed", Door::Tls, [head.as_bytes(), body].concat(), expect)
    };
    let mut inputs = Vec::new();
    for (encoding, body) in
        [("gzip", &gzip), ("deflate", &zlib), ("deflate", &bomb), ("br", &bomb), ("zstd", &gzip)]
    {
        inputs.push(posted(&format!("Content-Encoding: {encoding}\r\n"), body, Expect::Status(415)));
        inputs.push(posted(&format!("Transfer-Encoding: {encoding}\r\n"), body, Expect::Cut));
    }
    for body in [&gzip, &zlib, &bomb, &b"PK\x03\x04".to_vec(), &b"BZh9".to_vec(), &b"\xFD7zXZ\x00".to_vec()] {
        inputs.push(posted("", body, Expect::Status(500)));
    }
    inputs
}

/// A deflate stream of so many bytes that unpacks to about a hundred and fifty times as much.
fn bomb(length: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    let mut code = |value: u32, count: u32| bits.extend((0..count).rev().map(|at| value >> at & 1 == 1));
    code(0b0011_0000, 8);
    // 258 times the same again, one byte back
    (0..length * 8 / 13).for_each(|_| code(0b1100_0101 << 5, 13));
    code(0, 7);
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect()
}

pub(super) fn corpus() -> Vec<Input> {
    [lengths(), chunks(), heads(), targets(), fields(), credentials(), sizes(), packed()].concat()
}
