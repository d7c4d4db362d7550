//! TLS at the public addresses, and certificates that are replaced while connections go on.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustix::process::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::harness::{PATIENCE, Program, Shop, certificate, product, within};

type Stream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// A client that believes this certificate alone.
fn connect(address: SocketAddr, certificate: &Path) -> Stream {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(StreamOwned::new(client, stream))
}

/// The status line of an answer, whose rest is read.
fn ask(stream: &mut Stream) -> std::io::Result<String> {
    stream
        .get_mut()
        .write_all(b"GET /products/1 HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
    let (mut status, mut length) = (String::new(), 0);
    stream.read_line(&mut status)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    stream.read_exact(&mut vec![0; length])?;
    Ok(status.trim_end().to_owned())
}

#[test]
fn certificates_are_replaced_while_connections_go_on() {
    let shop = Shop::with(&[product("lamp", "Lamp")]);
    let folders = ["one", "two", "used"].map(|name| {
        let folder = shop.file(name);
        fs::create_dir(&folder).unwrap();
        folder
    });
    let [one, two, used] = &folders;
    let (first, second) = (certificate(one), certificate(two));
    let put = |(certificate, key): &(std::path::PathBuf, std::path::PathBuf)| {
        fs::copy(certificate, used.join("cert.pem")).unwrap();
        fs::copy(key, used.join("key.pem")).unwrap();
    };
    put(&first);
    let mut command = shop.command("serve");
    command
        .args(["--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"])
        .env("DOORBUSTER_SERVER_TLS_CERT", used.join("cert.pem"))
        .env("DOORBUSTER_SERVER_TLS_KEY", used.join("key.pem"))
        .env("DOORBUSTER_SERVER_HTTP2", "true")
        .env("DOORBUSTER_SERVER_DRAIN_GRACE", "0s");
    let mut server = Program::start(&mut command);
    let address: SocketAddr = server.log.wait_for("listening", |line| {
        let message = line["message"].as_str()?;
        let rest = message.strip_prefix("listening on https://")?;
        rest.split(',').next()?.parse().ok()
    });
    let ok = "HTTP/1.1 200 OK";
    let mut kept = connect(address, &first.0);
    assert_eq!(ask(&mut kept).unwrap(), ok);
    assert!(ask(&mut connect(address, &second.0)).is_err());

    // Half of a pair is refused, and the one in use stays.
    fs::copy(&second.0, used.join("cert.pem")).unwrap();
    server.signal(Signal::HUP);
    server
        .log
        .wait_for_message("the configuration is refused, the one in force stays: the certificate");
    assert_eq!(ask(&mut connect(address, &first.0)).unwrap(), ok);

    put(&second);
    server.signal(Signal::HUP);
    server
        .log
        .wait_for_message("read the configuration again: the certificate changed");
    assert_eq!(ask(&mut connect(address, &second.0)).unwrap(), ok);
    assert!(ask(&mut connect(address, &first.0)).is_err());
    assert_eq!(ask(&mut kept).unwrap(), ok);

    // HTTP/2 for who asks for it.
    let url = format!("https://localhost:{}/products/1", address.port());
    let curl = Command::new("curl")
        .args([
            "-sS",
            "--http2",
            "-o",
            "/dev/null",
            "-w",
            "%{http_version} %{http_code}",
        ])
        .arg("--cacert")
        .arg(&second.0)
        .args([&url, &url])
        .output()
        .unwrap();
    let said = String::from_utf8(curl.stdout).unwrap();
    assert!(said.starts_with("2 200"), "{said} {:?}", curl.stderr);
    server.signal(Signal::TERM);
    assert_eq!(server.wait_for_code(), 0);
    within(PATIENCE, "closed", || ask(&mut kept).is_err().then_some(()));
}
