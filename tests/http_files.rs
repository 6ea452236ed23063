//! Health endpoints and backup folders, seen for real.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy.toml's leave for tests does not reach helpers of test files"
)]

mod eyes_lab;

use std::fs::{self, File, FileTimes};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use eyes_lab::{Lab, failure, look, now, target, until};
use warroom::incident::acts::files::{Checksum, FilesSight, Proof};
use warroom::incident::acts::http::HttpSight;
use warroom::incident::acts::redis::RedisAct;
use warroom::incident::acts::{Act, Condition};
use warroom::incident::judge::{BackupVital, Standing, backup};
use warroom::incident::reading::{FailureKind, Holds, Outcome, Sight};
use warroom::incident::site::{Endpoint, FilesEndpoint, HttpEndpoint, SecretRef, Site};
use warroom::incident::track::Track;
use warroom::systems::files::{self, Files};
use warroom::systems::http::Http;
use warroom::systems::wire;
use warroom::systems::{Output, System, registry};

fn http_of(sight: &Sight) -> &HttpSight {
    match sight {
        Sight::Http(sight) => sight,
        other => panic!("no HTTP: {other:?}"),
    }
}

fn files_of(sight: &Sight) -> &FilesSight {
    match sight {
        Sight::Files(sight) => sight,
        other => panic!("no files: {other:?}"),
    }
}

#[tokio::test]
async fn health_and_backups_of_the_lab() {
    let lab = Lab::up();
    let site = lab.site();
    health(&lab, &site).await;
    backups(&lab, &site).await;
    contents(&lab, &site).await;
}

async fn health(lab: &Lab, site: &Site) {
    let systems = registry::open(site);
    let east = &systems[&"api-east".into()];
    let well = east.observe().await.value.unwrap();
    let seen = http_of(&well);
    assert_eq!((seen.status, seen.healthy), (200, true));
    assert_eq!(seen.field.as_ref().unwrap().as_str(), "true");

    lab.run(&["freeze", "pg-east"]);
    let sick = until(east.as_ref(), "503", |sight| http_of(sight).status == 503).await;
    assert!(!http_of(&sick).healthy);
    let healthy = |target: &str| Condition::Healthy {
        target: target.into(),
    };
    let verdict = east.holds(&healthy("api-east")).await.unwrap();
    assert_eq!(verdict.holds, Holds::No);
    assert_eq!(
        verdict.saw.as_str(),
        "api-east answers 503, database.writable false"
    );
    let west = &systems[&"api-west".into()];
    assert_eq!(
        west.holds(&healthy("api-west")).await.unwrap().holds,
        Holds::Yes
    );
    lab.run(&["thaw", "pg-east"]);

    lab.run(&["freeze", "api-west"]);
    assert_eq!(failure(west.as_ref()).await.kind, FailureKind::TimedOut);
    lab.run(&["kill", "api-west"]);
    assert_eq!(failure(west.as_ref()).await.kind, FailureKind::Refused);
}

/// How the lab's backup stands after one look.
async fn stands(site: &Site, folder: &dyn System) -> (FilesSight, BackupVital) {
    let mut track = Track::default();
    track.observe(look(folder).await, Duration::ZERO);
    let sight = files_of(track.last().unwrap().value.as_ref().unwrap()).clone();
    (
        sight,
        backup(site, &site.backups[0], Some(&track), None, &now()),
    )
}

async fn backups(lab: &Lab, site: &Site) {
    let systems = registry::open(site);
    let folder = systems[&"dumps".into()].as_ref();
    let (sight, vital) = stands(site, folder).await;
    let newest = sight.newest.clone().unwrap();
    assert_eq!((sight.count, sight.incomplete), (7, 1), "{sight:?}");
    assert!(newest.name.ends_with(".dump"), "{newest:?}");
    assert_eq!(newest.checksum, Checksum::Right);
    assert_eq!(sight.usual_size, newest.size);
    assert_eq!(
        (vital.standing, vital.notes.len()),
        (Standing::Fine, 0),
        "{vital:?}"
    );

    let path = lab.path("backups").join(&newest.name);
    let verified = Condition::Backup {
        of: "pg-dump".into(),
        younger: None,
        verified: true,
    };
    let sum = Condition::Sum {
        file: path.to_str().unwrap().into(),
        sha256: None,
    };
    assert_eq!(folder.holds(&verified).await.unwrap().holds, Holds::Yes);
    assert_eq!(folder.holds(&sum).await.unwrap().holds, Holds::Yes);

    flip_a_byte(&path);
    let (sight, vital) = stands(site, folder).await;
    assert_eq!(sight.newest.unwrap().checksum, Checksum::Wrong);
    assert_eq!(
        (vital.standing, vital.notes),
        (Standing::Breach, vec!["checksum wrong".to_owned()])
    );
    for condition in [verified, sum] {
        let verdict = folder.holds(&condition).await.unwrap();
        assert_eq!(verdict.holds, Holds::No, "{}", verdict.saw);
    }

    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(newest.size.unwrap().0 * 59 / 100).unwrap();
    fs::remove_file(sum_file(&path)).unwrap();
    // Without a checksum a file that was touched a moment ago may still grow.
    let (sight, _) = stands(site, folder).await;
    assert_eq!((sight.count, sight.incomplete), (6, 2));
    let earlier = newest.at - Duration::from_secs(3_600);
    file.set_times(FileTimes::new().set_modified(earlier.into()))
        .unwrap();
    let (sight, vital) = stands(site, folder).await;
    assert_eq!((sight.count, sight.incomplete), (7, 1));
    assert_eq!(vital.standing, Standing::Watch);
    assert_eq!(vital.notes[0], "no checksum");
    assert!(vital.notes[1].starts_with("size −4"), "{:?}", vital.notes);
}

/// One look at a folder whose newest file a program reads through.
async fn proven(folder: &Path, proof: &[&str]) -> FilesSight {
    let endpoint = FilesEndpoint {
        path: folder.into(),
        pattern: "*".into(),
        checksum: false,
        proof: Some(proof.iter().map(|&word| word.to_owned()).collect()),
        wal_segment: None,
    };
    let mut target = target("kept", None, Endpoint::Files(endpoint.clone()));
    target.timeout = Duration::from_secs(30);
    let site = Site::empty();
    let seen = look(&Files::new(&target, &endpoint, &site)).await;
    files_of(&seen.value.unwrap()).clone()
}

fn cut(path: &Path, percent: u64) {
    let file = File::options().write(true).open(path).unwrap();
    let size = file.metadata().unwrap().len();
    file.set_len(size * percent / 100).unwrap();
}

/// Half a dump and a dump with a wrong byte look like backups until they are read.
async fn contents(lab: &Lab, site: &Site) {
    let age = |path: &Path| {
        let file = File::options().write(true).open(path).unwrap();
        let then = SystemTime::now() - Duration::from_secs(3_600);
        file.set_modified(then).unwrap();
    };
    let dump = lab.run(&["backup"]);
    let dump = PathBuf::from(dump.trim());
    let rdb = lab.path("redis-east").join("dump.rdb");
    let save = Act::Redis(RedisAct::Save {
        target: "redis-east".into(),
    });
    let redis = registry::open(site).remove(&"redis-east".into()).unwrap();
    let saved = redis.perform(&save, &Output::new().0).await;
    assert!(matches!(saved, Outcome::Done { .. }), "{saved:?}");
    let restore: &[&str] = &["pg_restore", "-f", "/dev/null"];
    type Harm = fn(&Path);
    let table: [(&Path, &[&str], Harm); 3] = [
        (&dump, restore, |path| cut(path, 60)),
        (&rdb, &["redis-check-rdb"], |path| cut(path, 60)),
        (&rdb, &["redis-check-rdb"], flip_a_byte),
    ];
    for (whole, proof, harm) in table {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join(whole.file_name().unwrap());
        fs::copy(whole, &copy).unwrap();
        age(&copy);
        assert_eq!(proven(folder.path(), proof).await.proof, Proof::Whole);
        harm(&copy);
        age(&copy);
        let seen = proven(folder.path(), proof).await.proof;
        assert!(matches!(seen, Proof::Damaged(_)), "{proof:?}: {seen:?}");
        let absent = proven(folder.path(), &["no-such-program"]).await.proof;
        assert!(matches!(absent, Proof::Unread(_)), "{absent:?}");
    }
}

fn sum_file(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.sha256", path.display()))
}

fn flip_a_byte(path: &Path) {
    let mut file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(100)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(100)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
}

/// A server that answers every request with the same bytes; where it is.
fn serve(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&answer);
        }
    });
    at.to_string()
}

fn endpoint(url: &str) -> HttpEndpoint {
    HttpEndpoint {
        url: url.into(),
        status: 200,
        field: None,
        equals: None,
        bearer: None,
    }
}

fn http(endpoint: &HttpEndpoint) -> Http {
    Http::new(
        &target("api", None, Endpoint::Http(endpoint.clone())),
        endpoint,
        &wire::http::client(),
    )
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_has_a_kind() {
    let plain = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec());
    let garbage = serve(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec());
    let table = [
        (format!("https://{plain}/"), FailureKind::Tls),
        (format!("http://{garbage}/"), FailureKind::BadAnswer),
        (
            "http://no-such-host.invalid/".into(),
            FailureKind::Unreachable,
        ),
        ("http://".into(), FailureKind::Local),
    ];
    for (url, kind) in table {
        let failure = failure(&http(&endpoint(&url))).await;
        assert_eq!(failure.kind, kind, "{url}: {failure}");
    }
    let secret = SecretRef::Env("WARROOM_TEST_NOT_SET".into());
    let with_token = HttpEndpoint {
        bearer: Some(secret),
        ..endpoint(&format!("http://{plain}/"))
    };
    assert_eq!(failure(&http(&with_token)).await.kind, FailureKind::Local);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_an_endless_body_is_cut() {
    let moved = serve(b"HTTP/1.1 302 Found\r\nLocation: http://no-such-host.invalid/\r\nContent-Length: 0\r\n\r\n".to_vec());
    let sight = http(&endpoint(&format!("http://{moved}/")))
        .observe()
        .await
        .value
        .unwrap();
    assert_eq!(
        (http_of(&sight).status, http_of(&sight).healthy),
        (302, false)
    );

    let mut long = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{\"a\":\"".to_vec();
    long.resize(3 << 20, b'x');
    let asked = HttpEndpoint {
        field: Some("a".into()),
        ..endpoint(&format!("http://{}/", serve(long)))
    };
    let sight = http(&asked).observe().await.value.unwrap();
    assert_eq!(
        (http_of(&sight).field.clone(), http_of(&sight).healthy),
        (None, false)
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there_says_so() {
    let endpoint = FilesEndpoint {
        proof: None,
        wal_segment: None,
        path: "/nowhere/at/all".into(),
        pattern: "*.dump".into(),
        checksum: true,
    };
    let dumps = target("dumps", None, Endpoint::Files(endpoint.clone()));
    let site = eyes_lab::site(vec![dumps.clone()], vec![]);
    let failure = failure(&Files::new(&dumps, &endpoint, &site)).await;
    assert_eq!(failure.kind, FailureKind::Missing);
    let expected = "dumps (/nowhere/at/all): read the folder: No such file or directory (os error 2) — is it mounted?";
    assert_eq!(failure.to_string(), expected);
    assert_eq!(
        files::sum("/nowhere/at/all", None).await.unwrap_err().kind,
        FailureKind::Local
    );
}
