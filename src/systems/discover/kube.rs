//! The contexts of a kubeconfig.

use std::path::Path;

use kube::config::Kubeconfig;

use super::{Found, Shown};

/// The contexts of a file; of `KUBECONFIG`, else `~/.kube/config`, when none is given.
pub fn look(file: Option<&Path>) -> Shown {
    let read = match file {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let found = read.map_err(|error| error.to_string()).map(|config| {
        let contexts = config.contexts.into_iter();
        contexts
            .map(|context| Found {
                keys: vec![
                    ("system", "kubernetes".into()),
                    ("context", context.name.clone().into()),
                ]
                .into_iter()
                .chain(file.map(|path| ("kubeconfig", path.display().to_string().into())))
                .collect(),
                name: context.name,
                note: "its nodes; a workload with workload = \"deployment/NAME\"".to_owned(),
            })
            .collect()
    });
    Shown {
        of: "Kubernetes contexts".to_owned(),
        found,
    }
}
