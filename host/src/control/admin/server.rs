//! The admin address in force, which a reload may change, add or remove.
//!
//! In: settings. Out: a socket that serves [`Admin`]. A new address is bound before the old one closes,
//! and a request that is being answered on the old one gets its answer. Where a listener shares its port
//! with the next host, the admin address does, too, so that the next host can start with the same
//! settings.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::{Admin, http};
use crate::generation::DataPlane;
use crate::net::bind::{BindRequest, Socket};
use linemill_config::Problem;
use linemill_config::settings::{Address, HostSettings, Settings};

/// Serves the admin address of the settings in force.
pub struct AdminServer {
    admin: Admin,
    running: Option<Running>,
    /// Whether the next host may listen at the same address.
    shares_port: bool,
}

/// How long clients that have begun to connect at the end have to be set up.
const LAST_CLIENTS: Duration = Duration::from_millis(100);

struct Running {
    /// As the settings name it.
    address: Address,
    socket: Arc<Socket>,
    accepting: AbortHandle,
}

/// What becomes of the admin address once the new settings are in force.
pub enum PreparedAdmin {
    /// It stays as it is.
    Unchanged,
    /// Another one replaces it.
    Bound(Address, Socket),
    /// There is none any more.
    Off,
}

impl AdminServer {
    /// Binds the admin address of the first settings, if there is one.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub fn first(
        settings: &Settings,
        data_plane: &mut impl DataPlane,
    ) -> Result<PreparedAdmin, Problem> {
        match &settings.host.admin {
            None => Ok(PreparedAdmin::Off),
            Some(address) => {
                let mut request = request(&settings.host, address);
                request.reuse_port = settings.shares_a_port();
                let socket = data_plane.bind(request)?;
                Ok(PreparedAdmin::Bound(address.clone(), socket))
            }
        }
    }

    /// Serves nothing yet.
    pub fn new(admin: Admin) -> Self {
        Self {
            admin,
            running: None,
            shares_port: false,
        }
    }

    /// Binds the admin address of `settings`, if it differs from the one in force.
    ///
    /// # Errors
    /// When it cannot be bound; nothing has changed then.
    pub fn prepare(
        &self,
        settings: &Settings,
        data_plane: &mut impl DataPlane,
    ) -> Result<PreparedAdmin, Problem> {
        let host = &settings.host;
        let Some(address) = &host.admin else {
            return Ok(PreparedAdmin::Off);
        };
        let running = self.running.as_ref();
        if running.is_some_and(|running| running.address == *address) {
            return Ok(PreparedAdmin::Unchanged);
        }
        let mut request = request(host, address);
        request.reuse_port = settings.shares_a_port();
        // The old socket may be in the way: both share the port until it closes.
        let in_the_way = running.filter(|running| running.address.overlaps(address));
        if let Some(old) = in_the_way {
            old.socket.share_port(true);
            request.reuse_port = true;
        }
        let socket = data_plane.bind(request);
        if let (Some(old), Err(_)) = (in_the_way, &socket) {
            old.socket.share_port(self.shares_port);
        }
        Ok(PreparedAdmin::Bound(address.clone(), socket?))
    }

    /// Puts in force what [`Self::prepare`] has prepared for `settings`. A new address is announced on
    /// standard error.
    pub fn start(&mut self, prepared: PreparedAdmin, settings: &Settings) {
        self.replace(prepared);
        self.shares_port = settings.shares_a_port();
        if let Some(running) = &self.running {
            running.socket.share_port(self.shares_port);
        }
    }

    /// Leaves new clients to the next host, if that may listen at the same address. Those who have begun
    /// to connect are answered.
    pub fn hand_over(mut self) {
        let Some(running) = self.running.take().filter(|_| self.shares_port) else {
            return;
        };
        let routes = self.admin.routes();
        tokio::spawn(async move {
            if !running.socket.accept_no_more() {
                return;
            }
            sleep(LAST_CLIENTS).await;
            running.accepting.abort();
            while let Some((client, _)) = running.socket.accept_now() {
                tokio::spawn(http::answer(client, routes.clone()));
            }
        });
    }

    fn replace(&mut self, prepared: PreparedAdmin) {
        let next = match prepared {
            PreparedAdmin::Unchanged => return,
            PreparedAdmin::Off => None,
            PreparedAdmin::Bound(address, socket) => {
                eprintln!("admin listening on {}", socket.name());
                let socket = Arc::new(socket);
                let serving = http::serve(Arc::clone(&socket), self.admin.clone().routes());
                Some(Running {
                    address,
                    accepting: tokio::spawn(serving).abort_handle(),
                    socket,
                })
            }
        };
        if let Some(old) = std::mem::replace(&mut self.running, next) {
            old.accepting.abort();
        }
    }
}

/// How to bind the admin address of `host`.
fn request<'a>(host: &'a HostSettings, address: &'a Address) -> BindRequest<'a> {
    BindRequest::new(address, "the admin address", host.places.of("admin"))
}
