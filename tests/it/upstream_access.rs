//! How upstreams are come to: what is shown at their doors, and to nobody else; through which proxy; whose certificates are
//! believed.

mod certificates;
mod credentials;
mod proxies;
