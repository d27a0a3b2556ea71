//! Shared sinks against upstreams that fail them.

mod cuts;
mod down;
mod many;
mod tls;

use super::*;
use crate::sinks::testing::{ATTEMPTS_OF_A_MINUTE, MUCH, batch, late, metrics, until, upstream};
