use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::client_ca::ClientCaFile;
use super::super::files::PairFiles;
use super::super::follow::Outcome;
use super::super::served::ServedCertificate;
use super::super::tls::Tls;
use super::{client_ca, pair};
use crate::telemetry::causes::WithCauses;

const EVERY: Duration = Duration::from_millis(5);

/// A certificate that expires at the end of this year, and its key.
struct Made {
    certificate: String,
    key: String,
}

fn made(year: i32) -> Made {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year + 1, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    Made {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}

fn write(folder: &Path, made: &Made) {
    fs::write(folder.join("tls.key"), &made.key).unwrap();
    fs::write(folder.join("tls.crt"), &made.certificate).unwrap();
}

/// Files that are followed while a test changes them. The clock is what the test says.
struct Following {
    folder: TempDir,
    served: Arc<ServedCertificate>,
    clock: Arc<Mutex<Timestamp>>,
    said: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Following {
    fn start(lay_out: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = lay_out(folder.path());
        let files = PairFiles::new(files.join("tls.crt"), files.join("tls.key"));
        let clock: Timestamp = "2026-11-24T06:00:00Z".parse().unwrap();
        let (first, followed) = files.load(clock).unwrap();
        let clock = Arc::new(Mutex::new(clock));
        let served = Arc::new(ServedCertificate::new(first));
        let said = Arc::new(Mutex::new(Vec::new()));
        let (now, says, in_use) = (Arc::clone(&clock), Arc::clone(&said), Arc::clone(&served));
        let task = tokio::spawn(async move {
            let now = move || *now.lock().unwrap();
            pair(files, followed, in_use, EVERY, now, move |outcome| {
                says.lock().unwrap().insert(
                    0,
                    match outcome {
                        Outcome::InForce => "in force".to_owned(),
                        Outcome::Rejected(error) => WithCauses(error).to_string(),
                    },
                );
            })
            .await;
        });
        Self {
            folder,
            served,
            clock,
            said,
            task,
        }
    }

    /// Beginning with files of 2026 in a plain folder.
    fn plain() -> Self {
        Self::start(|folder| {
            write(folder, &made(2026));
            folder.to_owned()
        })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The year in which the certificate in use expires.
    fn year(&self) -> i32 {
        let end = self.served.validity().unwrap().not_after.to_string();
        end[..4].parse::<i32>().unwrap() - 1
    }

    /// Waits until something new was said, and says what.
    async fn next(&self) -> String {
        for _ in 0..1_000 {
            let first = self.said.lock().unwrap().pop();
            if let Some(first) = first {
                return first;
            }
            sleep(EVERY).await;
        }
        panic!("nothing was said");
    }

    /// Some looks at the files, at which nothing was said.
    async fn silence(&self) {
        sleep(EVERY * 20).await;
        assert!(!self.task.is_finished());
        let said = self.said.lock().unwrap();
        assert!(said.is_empty(), "{said:?}");
    }
}

#[tokio::test]
async fn files_that_are_written_in_place_are_taken_over_and_nothing_is_said_of_the_rest() {
    let files = Following::plain();
    files.silence().await;
    // Renewed with the key it had, as some tools do.
    let key = KeyPair::from_pem(&fs::read_to_string(files.path().join("tls.key")).unwrap());
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(2029, 1, 1);
    let renewed = params.self_signed(&key.unwrap()).unwrap();
    fs::write(files.path().join("tls.crt"), renewed.pem()).unwrap();
    // It may be seen half written, which is told and made good.
    while files.next().await != "in force" {}
    assert_eq!(files.year(), 2028);
    files.silence().await;
}

#[tokio::test]
async fn a_new_key_before_its_certificate_is_told_once_and_the_old_pair_stays_until_both_are_there()
{
    let files = Following::plain();
    let new = made(2027);
    fs::write(files.path().join("new.key"), &new.key).unwrap();
    fs::rename(files.path().join("new.key"), files.path().join("tls.key")).unwrap();
    let complaint = files.next().await;
    assert!(
        complaint.contains("does not belong to the certificate"),
        "{complaint}"
    );
    files.silence().await;
    assert_eq!(files.year(), 2026);
    fs::write(files.path().join("new.crt"), &new.certificate).unwrap();
    fs::rename(files.path().join("new.crt"), files.path().join("tls.crt")).unwrap();
    assert_eq!(files.next().await, "in force");
    assert_eq!(files.year(), 2027);
}

#[tokio::test]
async fn a_volume_that_swaps_its_symlink_changes_both_at_once() {
    let files = Following::start(|folder| {
        // As the kubelet lays it out: tls.crt -> ..data/tls.crt, ..data -> ..2026.
        fs::create_dir(folder.join("..2026")).unwrap();
        write(&folder.join("..2026"), &made(2026));
        symlink("..2026", folder.join("..data")).unwrap();
        for name in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(name), folder.join(name)).unwrap();
        }
        folder.to_owned()
    });
    for year in [2027, 2028, 2029] {
        let version = format!("..{year}");
        fs::create_dir(files.path().join(&version)).unwrap();
        write(&files.path().join(&version), &made(year));
        symlink(&version, files.path().join("..data_tmp")).unwrap();
        fs::rename(files.path().join("..data_tmp"), files.path().join("..data")).unwrap();
        // Between reading one file and the other the link can be swapped.
        while files.next().await != "in force" {}
        assert_eq!(files.year(), year);
    }
    files.silence().await;
}

#[tokio::test]
async fn files_that_are_deleted_or_emptied_are_told_once_each_and_the_pair_stays() {
    let files = Following::plain();
    let certificate = files.path().join("tls.crt");
    fs::remove_file(&certificate).unwrap();
    let complaint = files.next().await;
    assert!(complaint.contains("No such file"), "{complaint}");
    files.silence().await;
    fs::write(&certificate, "").unwrap();
    let complaint = files.next().await;
    assert!(complaint.contains("no certificate in it"), "{complaint}");
    files.silence().await;
    assert_eq!(files.year(), 2026);
    write(files.path(), &made(2030));
    while files.next().await != "in force" {}
    assert_eq!(files.year(), 2030);
}

#[tokio::test]
async fn a_certificate_that_has_expired_in_use_is_replaced_by_the_next_good_one() {
    let files = Following::plain();
    *files.clock.lock().unwrap() = "2028-06-01T00:00:00Z".parse().unwrap();
    files.silence().await;
    assert_eq!(files.year(), 2026);
    write(files.path(), &made(2028));
    while files.next().await != "in force" {}
    assert_eq!(files.year(), 2028);
}

#[tokio::test]
async fn an_expired_one_is_refused_until_a_wrong_clock_is_set_right() {
    let files = Following::plain();
    *files.clock.lock().unwrap() = "2099-01-01T00:00:00Z".parse().unwrap();
    let new = made(2027);
    write(files.path(), &new);
    while !files.next().await.contains("expired at 2028-01-01") {}
    files.silence().await;
    assert_eq!(files.year(), 2026);
    *files.clock.lock().unwrap() = "2026-12-01T00:00:00Z".parse().unwrap();
    assert_eq!(files.next().await, "in force");
    assert_eq!(files.year(), 2027);
}

#[tokio::test]
async fn authorities_are_taken_over_and_never_emptied() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &made(2026));
    let now = "2026-11-24T06:00:00Z".parse().unwrap();
    let files = PairFiles::new(folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let served = Arc::new(ServedCertificate::new(files.load(now).unwrap().0));
    let path = folder.path().join("client-ca.crt");
    fs::write(&path, made(2026).certificate).unwrap();
    let file = ClientCaFile::new(path.clone());
    let (authorities, followed) = file.load().unwrap();
    let tls = Arc::new(Tls::new(served, Some(&authorities)).unwrap());
    let (says, mut said) = tokio::sync::mpsc::unbounded_channel();
    let followed_tls = Arc::clone(&tls);
    let task = tokio::spawn(async move {
        client_ca(file, followed, followed_tls, EVERY, |outcome| {
            says.send(matches!(outcome, Outcome::InForce)).unwrap();
        })
        .await;
    });

    let before = tls.current();
    fs::remove_file(&path).unwrap();
    assert_eq!(said.recv().await, Some(false));
    assert!(Arc::ptr_eq(&before, &tls.current()));
    let beside = folder.path().join("new.crt");
    fs::write(&beside, made(2027).certificate).unwrap();
    fs::rename(&beside, &path).unwrap();
    assert_eq!(said.recv().await, Some(true));
    assert!(!Arc::ptr_eq(&before, &tls.current()));
    task.abort();
}
