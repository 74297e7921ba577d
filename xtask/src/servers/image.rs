//! Servers from images, for machines that have docker and nothing else.

use std::process::Command;

use anyhow::Result;

use super::throwaway::{self, Plan, Throwaway};
use crate::step::quiet;

/// An image of a server.
pub struct Image {
    /// With its tag.
    pub name: &'static str,
    /// The port that it listens on inside.
    pub port: u16,
    /// Its environment.
    pub environment: &'static [&'static str],
}

/// Starts an image, which docker deletes when its process ends.
///
/// # Errors
/// Where docker is missing or can't fetch the image.
pub fn start(image: &Image, plan: &Plan, arguments: &[&str]) -> Result<Throwaway> {
    quiet(Command::new("docker").args(["pull", "--quiet", image.name]))?;
    throwaway::start(plan, |_, port| {
        let mut command = Command::new("docker");
        command.args(["run", "--rm", "--publish", &format!("127.0.0.1:{port}:{}", image.port)]);
        for variable in image.environment {
            command.args(["--env", variable]);
        }
        command.arg(image.name).args(arguments);
        Ok(command)
    })
}
