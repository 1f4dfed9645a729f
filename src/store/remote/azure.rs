//! Azure Blob Storage.
//!
//! It has no CRC that could be asked for by way of `object_store`; TLS protects the transfer, and ktape's own digests what
//! lies there.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::http::Settings;
use super::location::{Location, LocationError};
use super::{ConnectError, fault};

/// Environment variables that are passed on, in the names of Azure's own tools: the first that is set counts.
const IDENTITY: &[(&[&str], AzureConfigKey)] = &[
    (&["AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY"], AzureConfigKey::AccessKey),
    (&["AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_SAS_KEY"], AzureConfigKey::SasKey),
    (&["AZURE_CLIENT_ID", "AZURE_STORAGE_CLIENT_ID"], AzureConfigKey::ClientId),
    (&["AZURE_CLIENT_SECRET", "AZURE_STORAGE_CLIENT_SECRET"], AzureConfigKey::ClientSecret),
    (&["AZURE_TENANT_ID", "AZURE_STORAGE_TENANT_ID"], AzureConfigKey::AuthorityId),
    (&["AZURE_AUTHORITY_HOST"], AzureConfigKey::AuthorityHost),
    (&["AZURE_FEDERATED_TOKEN_FILE"], AzureConfigKey::FederatedTokenFile),
    (&["IDENTITY_ENDPOINT"], AzureConfigKey::MsiEndpoint),
];

/// The container.
pub(super) fn service(
    location: &Location,
    http: &Settings,
    variable: &dyn Fn(&str) -> Option<String>,
    place: &str,
) -> Result<Arc<dyn ObjectStore>, ConnectError> {
    let options = &location.options;
    let of_environment =
        || ["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"].iter().find_map(|name| variable(name));
    let account = options.account.clone().or_else(of_environment).ok_or(LocationError::Lacking {
        what: "the storage account",
        say: "add ?account=NAME to the location, or set AZURE_STORAGE_ACCOUNT",
    })?;
    let mut builder = MicrosoftAzureBuilder::new()
        .with_http_connector(http.clone())
        .with_retry(Settings::retry())
        .with_container_name(&location.bucket)
        .with_account(account);
    if let Some(endpoint) = &options.endpoint {
        builder = builder.with_endpoint(endpoint.clone()).with_allow_http(endpoint.starts_with("http://"));
    }
    for (names, key) in IDENTITY {
        if let Some(value) = names.iter().find_map(|name| variable(name)) {
            // In the environment of pods it ends in a slash, and another one follows.
            let is_url = matches!(key, AzureConfigKey::AuthorityHost);
            let value = if is_url { value.trim_end_matches('/') } else { &value };
            builder = builder.with_config(*key, value);
        }
    }
    let built = builder.build().map_err(|error| fault::failure("reach", None, place.to_owned(), &error))?;
    Ok(Arc::new(built))
}
