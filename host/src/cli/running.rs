//! How verbs find and query a running host.
//!
//! In: the options `--admin` and `--config`. Out: the answers of the admin address.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hyper::{Method, StatusCode};
use linemill::control::admin::client::{self, ClientError};
use linemill_config::settings::Address;
use linemill_sandbox::bundled;
use serde::de::DeserializeOwned;

use super::plugin::hinted;

/// The admin address without options: that of the sample configurations.
const DEFAULT: &str = "127.0.0.1:9713";

/// The environment variable with the host's `admin_token`. Not an option: other users can see those.
const TOKEN: &str = "LINEMILL_ADMIN_TOKEN";

/// The running host that a verb queries.
#[derive(Debug, Args)]
pub(super) struct Running {
    /// Admin address of the host: IP:PORT or unix:PATH [default: 127.0.0.1:9713]
    #[arg(long, value_name = "ADDR")]
    admin: Option<Address>,
    /// Configuration file of the host, which contains the admin address
    #[arg(long, value_name = "FILE", conflicts_with = "admin")]
    config: Option<PathBuf>,
}

impl Running {
    fn address(&self) -> anyhow::Result<Address> {
        if let Some(address) = &self.admin {
            return Ok(address.clone());
        }
        let Some(path) = &self.config else {
            return DEFAULT.parse().context("the default address");
        };
        let settings = linemill_config::load_once(path, &bundled::names())?;
        settings.host.admin.ok_or_else(|| {
            hinted(
                &format!("{} has no admin address", path.display()),
                "add admin = \"127.0.0.1:9713\" below [host], and restart the host",
            )
        })
    }

    /// Sends a request whose answer is JSON, whatever the status.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
    ) -> anyhow::Result<(StatusCode, T)> {
        fetch(&self.address()?, method, path).await
    }
}

/// Sends a request to the host at `address`.
pub(super) async fn fetch<T: DeserializeOwned>(
    address: &Address,
    method: Method,
    path: &str,
) -> anyhow::Result<(StatusCode, T)> {
    let token = std::env::var(TOKEN).ok();
    let asked = client::send(address, method, path, token.as_deref()).await;
    let (status, body) = asked.map_err(|error| {
        let hint = match &error {
            ClientError::Unreachable { .. } => {
                "start the host with `admin` in its configuration, and name its address by --admin or --config"
            }
            _ => "",
        };
        hinted(&error.to_string(), hint)
    })?;
    if status == StatusCode::UNAUTHORIZED {
        return Err(hinted(
            &format!("{address} requires the `admin_token` of its configuration"),
            &format!("set the environment variable {TOKEN}"),
        ));
    }
    let answer = serde_json::from_slice(&body).map_err(|_| {
        let body = String::from_utf8_lossy(&body);
        let first = body.lines().next().unwrap_or_default();
        hinted(
            &format!("{address} answered {path} with {status}: {first}"),
            "check that this is the admin address of a linemill of this version",
        )
    })?;
    Ok((status, answer))
}
