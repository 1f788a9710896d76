//! Settings as they hold: flags and environment over the file over the defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use duramen_transactor::settings::Settings;
use serde::Deserialize;

use super::exit::Failure;

/// Where the transactor is asked, unless told otherwise.
pub(crate) const SERVER_DEFAULT: &str = "http://127.0.0.1:7707";
const LISTEN_DEFAULT: &str = "127.0.0.1:7707";
const HTTP_DEFAULT: &str = "127.0.0.1:7708";
/// Taken if it is there and no other is named.
const FILE_DEFAULT: &str = "duramen.toml";

/// What a file says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    store: Option<String>,
    listen: Option<String>,
    http: Option<String>,
    server: Option<String>,
    store_options: BTreeMap<String, String>,
    transactor: Settings,
}

/// The settings of one call.
#[derive(Debug)]
pub(crate) struct Configuration {
    file: File,
    /// Options of the stores: from flags, the environment, the file, in that order.
    pub(crate) store_options: BTreeMap<String, String>,
}

/// What `serve` needs to know.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) store: String,
    pub(crate) listen: String,
    /// Nothing when it is off.
    pub(crate) http: Option<String>,
    pub(crate) settings: Settings,
}

impl Configuration {
    /// Reads the file, and puts the options of the stores together.
    pub(crate) fn load(
        file: Option<&Path>,
        flags: &[(String, String)],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let file = read(file)?;
        let mut store_options = file.store_options.clone();
        store_options.extend(environment);
        store_options.extend(flags.iter().cloned());
        Ok(Self { file, store_options })
    }

    /// The address of the transactor.
    pub(crate) fn server(&self, flag: Option<&str>) -> String {
        flag.or(self.file.server.as_deref()).unwrap_or(SERVER_DEFAULT).to_owned()
    }

    /// The store, for commands that write to it themselves.
    pub(crate) fn store(&self, flag: Option<&str>) -> Result<String, Failure> {
        flag.or(self.file.store.as_deref()).map(str::to_owned).ok_or_else(|| {
            Failure::usage("no store: give --store URL, DURAMEN_STORE, or store in duramen.toml")
        })
    }

    /// What `serve` needs, checked as far as it can be without touching anything.
    pub(crate) fn serving(&self, flags: &super::arguments::Serve) -> Result<Serving, Failure> {
        let chosen = |flag: &Option<String>, file: &Option<String>| flag.clone().or(file.clone());
        let store = self.store(flags.store.as_deref())?;
        let listen = chosen(&flags.listen, &self.file.listen);
        let http = chosen(&flags.http, &self.file.http).unwrap_or_else(|| HTTP_DEFAULT.to_owned());
        let mut settings = self.file.transactor.clone();
        if let Some(address) = &flags.address {
            settings.address.clone_from(address);
        }
        settings.check().map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Serving {
            store,
            listen: listen.unwrap_or_else(|| LISTEN_DEFAULT.to_owned()),
            http: (http != "off").then_some(http),
            settings,
        })
    }
}

fn read(named: Option<&Path>) -> Result<File, Failure> {
    let path = named.map_or_else(|| PathBuf::from(FILE_DEFAULT), Path::to_path_buf);
    if named.is_none() && !path.exists() {
        return Ok(File::default());
    }
    let failed = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::{LogFormat, Serve};

    fn flags(store: Option<&str>) -> Serve {
        Serve {
            store: store.map(str::to_owned),
            listen: None,
            http: None,
            address: None,
            log_format: LogFormat::Text,
        }
    }

    fn load(text: &str) -> Result<Configuration, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("duramen.toml");
        std::fs::write(&path, text).unwrap();
        let environment = [("aws_region".to_owned(), "environment".to_owned())];
        Configuration::load(Some(&path), &[], environment.into_iter())
    }

    #[test]
    fn flags_win_over_the_file() {
        let configuration = load("store = \"file:///a\"\nhttp = \"off\"").unwrap();
        assert_eq!(configuration.serving(&flags(None)).unwrap().store, "file:///a");
        let serving = configuration.serving(&flags(Some("file:///b"))).unwrap();
        assert_eq!((serving.store.as_str(), serving.http), ("file:///b", None));
        assert_eq!(serving.listen, LISTEN_DEFAULT);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let configuration = load("[store_options]\naws_region = \"file\"\na = \"b\"").unwrap();
        assert_eq!(configuration.store_options["aws_region"], "environment");
        assert_eq!(configuration.store_options["a"], "b");
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        assert!(load("stroe = \"file:///a\"").unwrap_err().to_string().contains("stroe"));
    }

    #[test]
    fn a_missing_store_is_told_before_anything_is_opened() {
        let error = load("").unwrap().serving(&flags(None)).unwrap_err();
        assert!(error.to_string().contains("--store"), "{error}");
    }
}
