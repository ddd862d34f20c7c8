//! Projects, their builds and what a component may be, without the tools of the languages.

mod bindings;

mod components;

mod crates;

mod projects;
