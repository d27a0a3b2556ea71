//! What the admin address counts.

use prometheus_client::metrics::counter::Counter;

use crate::listeners::metrics::AcceptError;
use linemill_telemetry::EachValue;

linemill_telemetry::metrics! {
    /// The admin address.
    pub struct AdminMetrics {
        /// Requests and clients that the admin address has refused, by reason.
        #[metric("admin_refused", unit = "requests")]
        pub refused: EachValue<AdminRefusal, Counter>,
        /// Connections to the admin address that the system refused to accept, by reason.
        #[metric("admin_accept_errors", unit = "errors")]
        pub accept_errors: EachValue<AcceptError, Counter>,
    }
}

linemill_telemetry::label_values! {
    /// Why the admin address refuses a request or a client.
    pub enum AdminRefusal as "reason" {
        /// The request did not come in time.
        Slow = "slow",
        /// The client had sent no request yet, or waited, and too many others came.
        Crowded = "crowded",
        /// Too many other requests were being answered.
        Busy = "busy",
        /// The request has no `Host`, or more than one.
        NoHost = "no_host",
        /// The request names the host by a name that is neither `localhost` nor in `admin_names`.
        HostName = "host_name",
        /// The request has a body.
        Body = "body",
        /// The request comes from a web page.
        WebPage = "web_page",
        /// The request lacks the token that it needs.
        Token = "token",
        /// The request asks for what cannot be: it names a filter that has no version on trial, or there is
        /// no generation to go back to.
        Impossible = "impossible",
    }
}
