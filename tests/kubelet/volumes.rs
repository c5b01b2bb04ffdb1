//! The volumes of a Pod: folders that are written as the kubelet writes them.
//!
//! A volume that follows an object is a link `..data` to a folder of the newest files, and a link
//! through it for each file; an update makes a new folder and swaps the one link.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use k8s_openapi::ByteString;
use kube::Client;
use serde_json::{Value, json};

use super::environment::field;
use super::pod::{get, post};
use super::spec::{Spec, list, only, text};

/// Why a volume is not there.
pub(super) enum Missing {
    /// It will be, when somebody has made this.
    Yet(String),
    /// It never will be.
    Unknown(String),
}

/// Whose volumes, and for whom.
pub(super) struct Volumes<'p> {
    pub(super) client: &'p Client,
    pub(super) pod: &'p Value,
    pub(super) spec: &'p Spec,
    pub(super) address: &'p str,
    /// Where they are, each by its name.
    pub(super) folder: PathBuf,
    /// Who reads them.
    pub(super) user: u32,
}

struct Entry {
    bytes: Vec<u8>,
    mode: u32,
    is_token: bool,
}

type Files = BTreeMap<String, Entry>;

impl Volumes<'_> {
    /// Writes all of them; those that follow objects are brought up to date. Tokens are asked for
    /// once, since they outlive any test.
    pub(super) async fn write(&self) -> Result<(), Missing> {
        for volume in &self.spec.volumes {
            let folder = self.folder.join(text(&volume["name"]));
            let kinds = ["name", "configMap", "secret", "projected", "emptyDir"];
            only(volume, "volume", &kinds).map_err(Missing::Unknown)?;
            if volume["emptyDir"].is_object() {
                if !folder.exists() {
                    make(&folder, 0o777);
                }
                continue;
            }
            let mut files = Files::new();
            if volume["projected"].is_object() {
                let projected = &volume["projected"];
                only(projected, "projected", &["sources", "defaultMode"])
                    .map_err(Missing::Unknown)?;
                let mode = mode(&projected["defaultMode"]);
                for source in list(&projected["sources"]) {
                    self.source(&source, mode, &folder, &mut files).await?;
                }
            } else {
                let source = if volume["secret"].is_object() {
                    json!({"secret": volume["secret"]})
                } else {
                    json!({"configMap": volume["configMap"]})
                };
                let (_, inner) = only_entry(&source);
                let mode = mode(&inner["defaultMode"]);
                self.source(&source, mode, &folder, &mut files).await?;
            }
            self.publish(&folder, &files);
        }
        Ok(())
    }

    async fn source(
        &self,
        source: &Value,
        mode: u32,
        folder: &Path,
        files: &mut Files,
    ) -> Result<(), Missing> {
        let (kind, inner) = only_entry(source);
        match kind {
            "secret" | "configMap" => self.object(kind, inner, mode, files).await,
            "serviceAccountToken" => {
                let path = text(&inner["path"]);
                let bytes = match fs::read(folder.join(&path)) {
                    Ok(token) => token,
                    Err(_) => self.token(inner).await?.into_bytes(),
                };
                let entry = Entry {
                    bytes,
                    mode,
                    is_token: true,
                };
                files.insert(path, entry);
                Ok(())
            }
            "downwardAPI" => {
                for item in list(&inner["items"]) {
                    let wanted = text(&item["fieldRef"]["fieldPath"]);
                    let value = field(&wanted, self.pod, self.address).map_err(Missing::Unknown)?;
                    files.insert(text(&item["path"]), plain(value.into_bytes(), mode));
                }
                Ok(())
            }
            other => Err(Missing::Unknown(format!("volume source {other:?}"))),
        }
    }

    /// The files of a ConfigMap or a Secret.
    async fn object(
        &self,
        kind: &str,
        source: &Value,
        mode: u32,
        files: &mut Files,
    ) -> Result<(), Missing> {
        let known = ["name", "secretName", "items", "optional", "defaultMode"];
        only(source, kind, &known).map_err(Missing::Unknown)?;
        let (resource, name) = match kind {
            "secret" if source["secretName"].is_string() => ("secrets", &source["secretName"]),
            "secret" => ("secrets", &source["name"]),
            _ => ("configmaps", &source["name"]),
        };
        let (namespace, name) = (text(&self.pod["metadata"]["namespace"]), text(name));
        let path = format!("/api/v1/namespaces/{namespace}/{resource}/{name}");
        let found = get(self.client, &path)
            .await
            .map_err(|error| Missing::Yet(error.to_string()))?;
        let Some(object) = found else {
            if source["optional"] == true {
                return Ok(());
            }
            return Err(Missing::Yet(format!("there is no {kind} {name}")));
        };
        let mut data = BTreeMap::new();
        for (key, value) in object["data"].as_object().into_iter().flatten() {
            let bytes = if kind == "secret" {
                let bytes: ByteString =
                    serde_json::from_value(value.clone()).expect("a Secret's data is base64");
                bytes.0
            } else {
                text(value).into_bytes()
            };
            data.insert(key.clone(), bytes);
        }
        let items = list(&source["items"]);
        if items.is_empty() {
            files.extend(
                data.into_iter()
                    .map(|(key, bytes)| (key, plain(bytes, mode))),
            );
            return Ok(());
        }
        for item in items {
            only(&item, "items", &["key", "path"]).map_err(Missing::Unknown)?;
            let key = text(&item["key"]);
            match data.get(&key) {
                Some(bytes) => {
                    files.insert(text(&item["path"]), plain(bytes.clone(), mode));
                }
                None if source["optional"] == true => {}
                None => return Err(Missing::Yet(format!("{kind} {name} has no {key}"))),
            }
        }
        Ok(())
    }

    /// A token of the Pod's ServiceAccount, bound to the Pod.
    async fn token(&self, source: &Value) -> Result<String, Missing> {
        let metadata = &self.pod["metadata"];
        let (namespace, account) = (text(&metadata["namespace"]), &self.spec.account);
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let audiences = match &source["audience"] {
            Value::Null => json!([]),
            audience => json!([audience]),
        };
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": audiences,
                "expirationSeconds": source["expirationSeconds"],
                "boundObjectRef": {
                    "apiVersion": "v1", "kind": "Pod",
                    "name": metadata["name"], "uid": metadata["uid"],
                },
            },
        });
        let answer = post(self.client, &path, &request)
            .await
            .map_err(|error| Missing::Yet(format!("no token of {account}: {error}")))?;
        Ok(text(&answer["status"]["token"]))
    }

    fn publish(&self, volume: &Path, files: &Files) {
        if holds(volume, files) {
            return;
        }
        if !volume.exists() {
            make(volume, 0o755);
        }
        let data = volume.join("..data");
        let old = fs::read_link(&data).ok();
        let number = fs::read_dir(volume).map_or(0, Iterator::count);
        let name = format!("..{}_{number}", std::process::id());
        let folder = volume.join(&name);
        let _ = fs::remove_dir_all(&folder);
        make(&folder, 0o755);
        for (path, entry) in files {
            let file = folder.join(path);
            make(file.parent().expect("it is in the folder"), 0o755);
            fs::write(&file, &entry.bytes).expect("a volume can be written");
            self.hand_over(&file, entry);
        }
        let swap = volume.join("..data_tmp");
        symlink(&name, &swap).expect("a link can be made");
        fs::rename(&swap, &data).expect("a link can be swapped");
        for path in files.keys() {
            let first = path.split('/').next().unwrap_or(path);
            let link = volume.join(first);
            if !link.is_symlink() {
                symlink(Path::new("..data").join(first), link).expect("a link can be made");
            }
        }
        for entry in fs::read_dir(volume).into_iter().flatten().flatten() {
            // A link to a file that is no more.
            if entry.path().is_symlink() && !entry.path().exists() {
                let _ = fs::remove_file(entry.path());
            }
        }
        if let Some(old) = old {
            let _ = fs::remove_dir_all(volume.join(old));
        }
    }

    /// Tokens belong to the user of the container where the spec names one, and are for all to
    /// read where it does not; a group of the Pod's may read everything.
    fn hand_over(&self, file: &Path, entry: &Entry) {
        let owned = entry.is_token && self.spec.container.user.is_some();
        let group = self.spec.fs_group;
        let mode = match (owned, group) {
            (true, _) => 0o600,
            (false, Some(_)) => entry.mode | 0o440,
            (false, None) => entry.mode,
        };
        chown(file, owned.then_some(self.user), group).expect("root may give files away");
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("it is our file");
    }
}

fn plain(bytes: Vec<u8>, mode: u32) -> Entry {
    Entry {
        bytes,
        mode,
        is_token: false,
    }
}

fn only_entry(source: &Value) -> (&str, &Value) {
    let mut entries = source.as_object().into_iter().flatten();
    let entry = entries.next().map(|(kind, inner)| (kind.as_str(), inner));
    entry.unwrap_or(("", &Value::Null))
}

fn mode(value: &Value) -> u32 {
    let mode = value.as_u64().and_then(|mode| mode.try_into().ok());
    mode.unwrap_or(0o644)
}

/// Whether the volume holds exactly these files.
fn holds(volume: &Path, files: &Files) -> bool {
    let data = volume.join("..data");
    data.exists()
        && files
            .iter()
            .all(|(path, entry)| fs::read(data.join(path)).is_ok_and(|it| it == entry.bytes))
        && count(&data) == files.len()
}

fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() { count(&path) } else { 1 }
        })
        .sum()
}

fn make(folder: &Path, mode: u32) {
    fs::create_dir_all(folder).expect("a volume can be made");
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("it is our folder");
}
