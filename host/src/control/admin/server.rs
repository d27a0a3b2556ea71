//! The admin address in force, which a reload may change, add or remove.
//!
//! In: settings. Out: a socket that serves [`Admin`]. A new address is bound before the old one closes,
//! and a request that is being answered on the old one gets its answer. Where a listener shares its port
//! with the next host, the admin address does, too, so that the next host can start with the same
//! settings.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::{Admin, LocalToken, Via, http};
use crate::generation::DataPlane;
use crate::log::announce;
use crate::net::bind::{BindRequest, LAST_ARRIVALS, Socket};
use linemill_config::Problem;
use linemill_config::settings::{Address, Settings};

/// The socket in force, for the end of the process: tasks that have it are not waited for.
#[derive(Debug, Clone, Default)]
pub struct LastSocket(Arc<Mutex<Weak<Socket>>>);

/// Serves the admin address of the settings in force.
pub struct AdminServer {
    admin: Admin,
    running: Option<Running>,
    /// Knows the socket of `running`.
    last: LastSocket,
    /// Whether the next host may listen at the same address.
    shares_port: bool,
}

struct Running {
    /// As the settings name it.
    address: Address,
    socket: Arc<Socket>,
    via: Via,
    accepting: AbortHandle,
}

/// How the admin address changes once the new settings are in force.
pub enum PreparedAdmin {
    /// It stays as it is.
    Unchanged,
    /// Another one replaces it.
    Bound(Address, Socket),
    /// The new settings have no admin address.
    Off,
}

impl LastSocket {
    /// Removes the file of a Unix socket, unless others go on with it.
    pub fn remove_file(&self) {
        if let Some(socket) = self.lock().upgrade()
            && matches!(socket.name(), Address::Unix(_))
        {
            socket.accept_no_more();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Weak<Socket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        prepare(None, settings, data_plane)
    }

    /// Serves nothing yet.
    pub fn new(admin: Admin) -> Self {
        Self {
            admin,
            running: None,
            last: LastSocket::default(),
            shares_port: false,
        }
    }

    /// The same, whose socket `last` knows from now on.
    pub fn known_by(self, last: LastSocket) -> Self {
        Self { last, ..self }
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
        let running = self.running.as_ref();
        let running = running.map(|running| (running, self.shares_port));
        prepare(running, settings, data_plane)
    }

    /// Puts in force what [`Self::prepare`] has prepared for `settings`. A new address is announced on
    /// standard error.
    pub fn start(&mut self, prepared: PreparedAdmin, settings: &Settings) {
        self.replace(prepared, settings);
        self.follow_token(settings);
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
        let clients = self.admin.clients.clone();
        let routes = self.admin.routes(&running.via);
        tokio::spawn(async move {
            if !running.socket.accept_no_more() {
                return;
            }
            sleep(LAST_ARRIVALS).await;
            running.accepting.abort();
            while let Some((client, _)) = running.socket.accept_now() {
                tokio::spawn(clients.clone().serve(client, routes.clone()));
            }
        });
    }

    /// Makes the token for local verbs if there is no other, and removes it otherwise.
    fn follow_token(&self, settings: &Settings) {
        let Some(running) = &self.running else {
            return;
        };
        if let (Via::Tcp(token), Address::Tcp(address)) = (&running.via, running.socket.name()) {
            self.set_token(token, *address, settings);
        }
    }

    fn set_token(&self, token: &LocalToken, address: SocketAddr, settings: &Settings) {
        let mut token = token.write().unwrap_or_else(PoisonError::into_inner);
        match (&settings.host.admin_token, &*token) {
            (None, None) => *token = self.admin.tokens.make(address),
            (Some(_), Some(_)) => {
                self.admin.tokens.remove(address);
                *token = None;
            }
            _ => {}
        }
    }

    fn replace(&mut self, prepared: PreparedAdmin, settings: &Settings) {
        let next = match prepared {
            PreparedAdmin::Unchanged => return,
            PreparedAdmin::Off => None,
            PreparedAdmin::Bound(address, socket) => {
                let via = match socket.name() {
                    Address::Tcp(address) => {
                        let token = LocalToken::default();
                        // Before the address is announced: who reads that may look for the token.
                        self.set_token(&token, *address, settings);
                        Via::Tcp(token)
                    }
                    _ => Via::Unix,
                };
                announce(format_args!("admin listening on {}", socket.name()));
                let socket = Arc::new(socket);
                let (clients, routes) = (self.admin.clients.clone(), self.admin.clone());
                let serving = http::serve(Arc::clone(&socket), routes.routes(&via), clients);
                Some(Running {
                    address,
                    accepting: tokio::spawn(serving).abort_handle(),
                    via,
                    socket,
                })
            }
        };
        let socket = next.as_ref().map(|next| Arc::downgrade(&next.socket));
        *self.last.lock() = socket.unwrap_or_default();
        if let Some(old) = std::mem::replace(&mut self.running, next) {
            old.accepting.abort();
            let now = self.running.as_ref().map(|running| running.socket.name());
            if let Address::Tcp(address) = old.socket.name()
                && now != Some(old.socket.name())
            {
                self.admin.tokens.remove(*address);
            }
        }
    }
}

/// Binds the admin address of `settings`, unless it is the one of `running`, whose flag says whether it
/// shares its port.
fn prepare(
    running: Option<(&Running, bool)>,
    settings: &Settings,
    data_plane: &mut impl DataPlane,
) -> Result<PreparedAdmin, Problem> {
    let host = &settings.host;
    let Some(address) = &host.admin else {
        return Ok(PreparedAdmin::Off);
    };
    if running.is_some_and(|(running, _)| running.address == *address) {
        return Ok(PreparedAdmin::Unchanged);
    }
    let mut request = BindRequest::new(address, "the admin address", host.places.of("admin"));
    request.reuse_port = settings.shares_a_port();
    let in_the_way: Vec<_> = running
        .filter(|(running, _)| running.address.overlaps(address))
        .map(|(running, shares)| (&*running.socket, shares))
        .into_iter()
        .collect();
    let socket = request.bind_beside(&in_the_way, |request| data_plane.bind(request))?;
    Ok(PreparedAdmin::Bound(address.clone(), socket))
}
