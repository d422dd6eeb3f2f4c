//! The unit tests of this program, in a target of their own: Cargo builds an example as a program or with its tests, and the
//! tests in `tests/top` need the program.

#![expect(dead_code, reason = "`main` is not here, which uses the rest")]

mod app;
mod draw;
mod keys;
mod picture;
mod screen;
mod session;
mod signals;
mod sources;
mod theme;
