//! Where the serving certificate comes from.

use std::sync::Arc;

use anyhow::Context;

use super::arguments::Arguments;
use crate::certificates::served::ServedCertificate;
use crate::certificates::{ca_file, files, self_signed};
use crate::telemetry::clock;
use crate::telemetry::metrics::Metrics;

/// The certificate of the files that the flags name, or one made here.
pub(super) fn obtain(
    arguments: &Arguments,
    metrics: &Metrics,
) -> anyhow::Result<Arc<ServedCertificate>> {
    let now = clock::now();
    let pair = if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        files::load(certificate, key, now)?
    } else {
        let made = self_signed::make(&arguments.listen.names(), now)
            .context("cannot make a certificate")?;
        if let Some(path) = &arguments.write_ca {
            ca_file::write(path, &made.ca_pem)?;
        }
        made.pair
    };
    let served = ServedCertificate::new(pair);
    metrics.set_certificate_not_after(served.validity().not_after.as_second());
    Ok(Arc::new(served))
}
