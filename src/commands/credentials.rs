//! Secrets that a service manager hands over as files (systemd.exec(5), `LoadCredential=`), so that they stand neither in
//! the environment, which others see, nor in the configuration, which others read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::config::{CREDENTIAL_PREFIX, ConfigError, ConfigErrors, Source};

/// What the files whose names begin with [`CREDENTIAL_PREFIX`] hold, by the rest of their names. Others are not ours. The
/// end of a line at the end of a file is no part of the secret: editors put it there.
pub(super) fn read(directory: &Path) -> Result<BTreeMap<String, String>, ConfigErrors> {
    let refuse = |path: &Path, error: &std::io::Error| {
        ConfigErrors(vec![ConfigError {
            setting: "credentials".to_owned(),
            value: Some(path.display().to_string()),
            source_layer: Source::Variable("CREDENTIALS_DIRECTORY".to_owned()),
            reason: format!(
                "cannot be read: {error}; a credential is a file of text that this user may read"
            ),
        }])
    };
    let mut found = BTreeMap::new();
    let entries = fs::read_dir(directory).map_err(|error| refuse(directory, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| refuse(directory, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(setting) = name.and_then(|name| name.strip_prefix(CREDENTIAL_PREFIX)) {
            let text = fs::read_to_string(&path).map_err(|error| refuse(&path, &error))?;
            found.insert(
                setting.to_owned(),
                text.trim_end_matches(['\r', '\n']).to_owned(),
            );
        }
    }
    Ok(found)
}
