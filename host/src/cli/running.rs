//! How verbs find and query a running host.
//!
//! In: the options `--admin` and `--config`. Out: the answers of the admin address.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hyper::body::Incoming;
use hyper::{Method, Response, StatusCode};
use linemill::control::admin::client::{self, ClientError};
use linemill::control::admin::local_token;
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
    /// The admin address. With `--config`, it reads the file.
    pub(super) fn address(&self) -> anyhow::Result<Address> {
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

    /// Sends a GET whose answer goes on. If it is refused, the error is what the host says.
    pub(super) async fn follow(&self, path: &str) -> anyhow::Result<Incoming> {
        let address = self.address()?;
        let answer = open(&address, Method::GET, path).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        let body = client::body(answer, &address).await?;
        check_token(&address, status)?;
        let text = String::from_utf8_lossy(&body);
        let first = text.lines().next().unwrap_or_default();
        Err(hinted(
            &format!("{address} answered with {status}: {first}"),
            "",
        ))
    }
}

/// Fails if the host requires a token that the verb does not have.
fn check_token(address: &Address, status: StatusCode) -> anyhow::Result<()> {
    if status != StatusCode::UNAUTHORIZED {
        return Ok(());
    }
    Err(hinted(
        &format!("{address} requires a token"),
        &format!(
            "run the verb as the user that the host runs as, or set the environment variable {TOKEN} to the `admin_token` of its configuration"
        ),
    ))
}

/// Sends a request to the host at `address`.
pub(super) async fn fetch<T: DeserializeOwned>(
    address: &Address,
    method: Method,
    path: &str,
) -> anyhow::Result<(StatusCode, T)> {
    let answer = open(address, method, path).await?;
    let status = answer.status();
    check_token(address, status)?;
    let body = client::body(answer, address).await?;
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

/// Sends a request with the token of the environment, or else with those that a host of this user has
/// left for it, until one is accepted. A request that is not accepted does nothing.
async fn open(address: &Address, method: Method, path: &str) -> anyhow::Result<Response<Incoming>> {
    let tokens = match (std::env::var(TOKEN), address) {
        (Ok(token), _) => vec![token],
        (Err(_), Address::Tcp(address)) => local_token::known(*address),
        (Err(_), _) => Vec::new(),
    };
    let mut tokens = tokens.iter().map(String::as_str);
    let mut token = tokens.next();
    loop {
        let asked = client::open(address, method.clone(), path, token).await;
        let answer = asked.map_err(|error| {
            let hint = match &error {
                ClientError::Unreachable { .. } => {
                    "start the host with `admin` in its configuration, and name its address by --admin or --config"
                }
                _ => "",
            };
            hinted(&error.to_string(), hint)
        })?;
        token = tokens.next();
        if answer.status() != StatusCode::UNAUTHORIZED || token.is_none() {
            return Ok(answer);
        }
    }
}
