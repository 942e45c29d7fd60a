//! Keys, certificates and kubeconfigs of one control plane. Nothing here outlives it, and nothing is shared with another.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// The files that the API server starts with, and the token of its administrator.
pub struct Credentials {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub service_account_key: PathBuf,
    pub service_account_public_key: PathBuf,
    pub tokens: PathBuf,
    pub admin_token: String,
}

impl Credentials {
    /// Makes them in a folder.
    pub fn create(dir: &Path) -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new()).context("describe the certificate authority")?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "rekindle-testplane");
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().context("generate a key")?)
            .context("sign the certificate authority")?;

        let names = ["127.0.0.1", "10.0.0.1", "localhost", "kubernetes.default.svc"].map(String::from);
        let key = KeyPair::generate().context("generate a key")?;
        let mut certificate = CertificateParams::new(names).context("describe the serving certificate")?;
        certificate.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        let certificate = certificate.signed_by(&key, &authority).context("sign the serving certificate")?;
        let service_account_key = KeyPair::generate().context("generate a key")?;
        let admin_token = random_token()?;

        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = dir.join(name);
            fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
            Ok(path)
        };
        Ok(Self {
            authority: write("ca.crt", &authority.pem())?,
            certificate: write("server.crt", &certificate.pem())?,
            key: write("server.key", &key.serialize_pem())?,
            service_account_key: write("service-account.key", &service_account_key.serialize_pem())?,
            service_account_public_key: write("service-account.pub", &service_account_key.public_key_pem())?,
            tokens: write("tokens.csv", &format!("{admin_token},admin,admin,system:masters\n"))?,
            admin_token,
        })
    }
}

/// Somebody who may speak to the API server.
pub struct User<'a> {
    pub name: &'a str,
    pub namespace: &'a str,
    pub token: &'a str,
}

impl User<'_> {
    /// Writes a kubeconfig for this user.
    pub fn write_kubeconfig(&self, path: &Path, server: &str, authority: &Path) -> Result<()> {
        let Self { name, namespace, token } = self;
        let authority = authority.display();
        let text = format!(
            r#"apiVersion: v1
kind: Config
current-context: rekindle
clusters:
  - name: rekindle
    cluster: {{server: "{server}", certificate-authority: "{authority}"}}
users:
  - name: "{name}"
    user: {{token: "{token}"}}
contexts:
  - name: rekindle
    context: {{cluster: rekindle, user: "{name}", namespace: "{namespace}"}}
"#
        );
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }
}

fn random_token() -> Result<String> {
    // A fresh key is as random as a token has to be, and needs no other source of randomness.
    let key = KeyPair::generate().context("generate a token")?;
    Ok(key.public_key_raw().iter().rev().take(32).map(|byte| format!("{byte:02x}")).collect())
}
