//! Cases as they are read.

use std::path::Path;

use anyhow::{Context, Result, bail};
use duramen_model::Keyword;
use duramen_model::edn::{self, Edn, Form, Limits};

/// A folder of cases.
#[derive(Debug)]
pub struct Suite {
    /// The shared databases, by name.
    fixtures: Edn,
    /// The cases, in the order of their files and places.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// Its unique name, which begins with the name of its file.
    pub name: String,
    edn: Edn,
}

impl Suite {
    /// Reads every `.edn` file of a folder.
    ///
    /// # Errors
    /// When the folder cannot be read or a file holds something else.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut paths: Vec<_> = std::fs::read_dir(folder)
            .with_context(|| format!("cannot read the folder {}", folder.display()))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "edn"));
        paths.sort();
        let mut suite = Self { fixtures: Edn::Nil, cases: Vec::new() };
        for path in paths {
            let text = std::fs::read_to_string(&path)?;
            let forms = edn::read_all(&text, Limits::default())
                .with_context(|| path.display().to_string())?;
            for form in forms {
                suite.add(form).with_context(|| path.display().to_string())?;
            }
        }
        Ok(suite)
    }

    fn add(&mut self, form: Form) -> Result<()> {
        match form.edn {
            Edn::Map(_) => self.fixtures = form.edn,
            Edn::Vector(cases) => {
                for case in cases {
                    let name = get(&case.edn, "name").and_then(Edn::as_str);
                    let name = name.context("a case without :name")?.to_owned();
                    self.cases.push(Case { name, edn: case.edn });
                }
            }
            other => {
                bail!("expected a vector of cases or a map of fixtures, found {}", other.kind())
            }
        }
        Ok(())
    }

    /// A shared database.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn fixture(&self, name: &Keyword) -> Result<&Edn> {
        let fixture = self.fixtures.get(&Edn::from(name.clone()));
        fixture.with_context(|| format!("no fixture {name}"))
    }
}

impl Case {
    /// The value of one of the case's keys.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Edn> {
        get(&self.edn, key)
    }

    /// All of the case.
    #[must_use]
    pub fn edn(&self) -> &Edn {
        &self.edn
    }

    /// Whether a key is there and true.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.get(key) == Some(&Edn::from(true))
    }
}

/// The value of a keyword in a map.
#[must_use]
pub fn get<'e>(edn: &'e Edn, key: &str) -> Option<&'e Edn> {
    edn.get(&Edn::from(Keyword::new(key)))
}
