//! A running host, as verbs that ask it find it.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hyper::{Method, StatusCode};
use linemill::control::admin::client::{self, ClientError};
use linemill_config::settings::Address;
use linemill_sandbox::bundled;
use serde::de::DeserializeOwned;

use super::plugin::hinted;

/// Where the configurations of this project's documents have it.
const USUAL: &str = "127.0.0.1:9713";

/// Names the token that a host's `admin_token` wants to see. No option: other users see those.
const TOKEN: &str = "LINEMILL_ADMIN_TOKEN";

/// Which host to ask.
#[derive(Debug, Args)]
pub(super) struct Running {
    /// Its admin address: IP:PORT or unix:PATH [default: 127.0.0.1:9713]
    #[arg(long, value_name = "ADDR")]
    admin: Option<Address>,
    /// Its configuration file, which says the address
    #[arg(long, value_name = "FILE", conflicts_with = "admin")]
    config: Option<PathBuf>,
}

impl Running {
    fn address(&self) -> anyhow::Result<Address> {
        if let Some(address) = &self.admin {
            return Ok(address.clone());
        }
        let Some(path) = &self.config else {
            return USUAL.parse().context("the usual address");
        };
        let settings = linemill_config::load(path, &bundled::names())?;
        settings.host.admin.ok_or_else(|| {
            hinted(
                &format!("{} has no admin address", path.display()),
                "write admin = \"127.0.0.1:9713\" below [host], and restart the host",
            )
        })
    }

    /// Asks for what `path` says, which is JSON whatever the status.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
    ) -> anyhow::Result<(StatusCode, T)> {
        fetch(&self.address()?, method, path).await
    }
}

/// Asks the host at `address`.
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
                "is it running, with `admin` in its configuration? --admin or --config says where"
            }
            _ => "",
        };
        hinted(&error.to_string(), hint)
    })?;
    if status == StatusCode::UNAUTHORIZED {
        return Err(hinted(
            &format!("{address} wants the `admin_token` of its configuration"),
            &format!("put it into the environment variable {TOKEN}"),
        ));
    }
    let answer = serde_json::from_slice(&body).map_err(|_| {
        let body = String::from_utf8_lossy(&body);
        let first = body.lines().next().unwrap_or_default();
        hinted(
            &format!("{address} answers {path} with {status}: {first}"),
            "is that the admin address of a linemill of this version?",
        )
    })?;
    Ok((status, answer))
}
