//! How the cluster is reached: flags, and under them the file of properties that `--command-config` names.

use std::path::Path;

use super::args::{BrokerAddress, ClusterArgs};
use super::context::Context;
use super::failure::Failure;
use crate::cluster::ClusterOptions;
use crate::properties::{self, ClientSettings};

/// What flags and file come to; a flag wins. What a person should know about the file is logged.
pub async fn options(args: &ClusterArgs) -> Result<ClusterOptions, Failure> {
    let file = match &args.command_config {
        Some(path) => read(path).await?,
        None => ClientSettings::default(),
    };
    let bootstrap = match (&args.command_config, args.bootstrap_server.is_empty()) {
        (_, false) => args.bootstrap_server.clone(),
        (Some(path), true) if file.bootstrap.is_empty() => {
            let text = format!("--bootstrap-server is missing, and {} has no bootstrap.servers", path.display());
            return Err(Failure::Usage(text));
        }
        (_, true) => file.bootstrap,
    };
    let mut options = ClusterOptions::new(bootstrap);
    let pair = |address: &BrokerAddress| (address.node_id, address.address.clone());
    options.broker_address = args.broker_address.iter().map(pair).collect();
    options.client_id = file.client_id.unwrap_or(options.client_id);
    options.request_timeout = args.request_timeout.or(file.request_timeout).unwrap_or(options.request_timeout);
    options.connect_timeout = file.connect_timeout.unwrap_or(options.connect_timeout).min(options.request_timeout);
    options.security = file.security;
    Ok(options)
}

async fn read(path: &Path) -> Result<ClientSettings, Failure> {
    let owned = path.to_owned();
    let failed = |source| Failure::CommandConfig { path: path.to_owned(), source };
    let settings = Context::blocking(move || properties::read(&owned)).await?.map_err(failed)?;
    for warning in &settings.warnings {
        tracing::warn!(file = %path.display(), "{warning}");
    }
    Ok(settings)
}
