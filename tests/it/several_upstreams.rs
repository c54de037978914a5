//! Feeds over several sources: what each shows, who is asked for what, and who delivers.

mod delivering;
mod including;
mod looping;
mod routing;
mod shadowing;
