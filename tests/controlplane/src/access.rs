//! A ServiceAccount with exactly the rights of given manifests, and a kubeconfig for it: so that what is tested
//! runs under the roles that are shipped.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::{Api, DynamicObject, PostParams};
use kube::{Client, Config};
use serde_json::json;

use crate::apply::{apply, parse_documents};
use crate::credentials::User;
use crate::plane::{ControlPlane, read_config};

const TOKEN_LIFE_SECONDS: i64 = 24 * 3600;

/// How a ServiceAccount reaches the API server.
#[derive(Debug, Clone)]
pub struct Access {
    /// Valid for a day.
    pub token: String,
    /// A file, gone with the control plane.
    pub kubeconfig: PathBuf,
    /// What a client can be made from.
    pub config: Config,
}

impl Access {
    /// A new client, for the runtime that this is called in.
    pub fn client(&self) -> Result<Client> {
        Client::try_from(self.config.clone()).context("make a client")
    }
}

impl ControlPlane {
    /// Makes a ServiceAccount, applies the ClusterRoles and Roles in `roles`, and binds each to it. A Role without a
    /// namespace is one of the ServiceAccount's namespace. Manifests of other kinds are refused.
    pub async fn service_account(&self, namespace: &str, name: &str, roles: &str) -> Result<Access> {
        let client = self.client()?;
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        apply(&client, namespace, &account.to_string()).await?;
        for role in parse_documents(roles)? {
            let binding = binding(&role, namespace, name)?;
            apply(&client, namespace, &serde_json::to_string(&role).context("write the role")?).await?;
            apply(&client, namespace, &binding).await?;
        }
        self.access(&client, namespace, name).await
    }

    async fn access(&self, client: &Client, namespace: &str, name: &str) -> Result<Access> {
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
        let spec = TokenRequestSpec { expiration_seconds: Some(TOKEN_LIFE_SECONDS), ..Default::default() };
        let request = TokenRequest { spec, ..Default::default() };
        let answer = accounts
            .create_token_request(name, &PostParams::default(), &request)
            .await
            .with_context(|| format!("request a token for {namespace}/{name}"))?;
        let token = answer.status.context("request a token: the answer has none")?.token;

        let folder = self.dir().join("kubeconfigs");
        fs::create_dir_all(&folder).context("make the folder for kubeconfigs")?;
        let kubeconfig = folder.join(format!("{namespace}-{name}"));
        let user = User { name, namespace, token: &token };
        user.write_kubeconfig(&kubeconfig, &self.url(), self.authority())?;
        let config = read_config(&kubeconfig).await?;
        Ok(Access { token, kubeconfig, config })
    }
}

fn binding(role: &DynamicObject, namespace: &str, account: &str) -> Result<String> {
    let kind = role.types.as_ref().map_or("", |types| types.kind.as_str());
    let name = role.metadata.name.as_deref().context("bind a role without a name")?;
    ensure!(matches!(kind, "ClusterRole" | "Role"), "bind {kind} {name}: it is no role");
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": format!("{kind}Binding"),
        "metadata": {"name": format!("{name}-{namespace}-{account}"), "namespace": role.metadata.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    });
    Ok(binding.to_string())
}
