//! Tenants, keys, services and templates, as the native API and the command line list them.

use crate::{Caller, Engine, Error, Thing, commands::canonical};
use countersign_delivery::{
    gsm7::Size,
    lint::{languages_of_several_parts, lint},
    render::{self, BuiltIn, Context, TemplateText},
};
use countersign_model::{ApiKey, Channel, Code, Scope, Service, Template, Tenant, TenantId, message::Purpose};

impl Engine {
    /// All tenants, by name.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        Ok(self.store().tenants().await?)
    }

    /// The tenant of a name.
    ///
    /// # Errors
    /// When there is none.
    pub async fn tenant_named(&self, name: &str) -> Result<Tenant, Error> {
        self.store().tenant_named(name).await?.ok_or(Error::NotFound(Thing::Tenant))
    }

    /// What a tenant is called.
    ///
    /// # Errors
    /// When there is none.
    pub async fn name_of_tenant(&self, tenant: TenantId) -> Result<String, Error> {
        Ok(self.store().tenant(tenant).await?.ok_or(Error::NotFound(Thing::Tenant))?.name)
    }

    /// Whether pages of this origin belong to a client of whichever tenant.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn is_origin_of_a_client(&self, origin: &str) -> Result<bool, Error> {
        Ok(self.store().is_origin_of_a_client(origin).await?)
    }

    /// The caller's tenant.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn tenant_of(&self, caller: &Caller) -> Result<Tenant, Error> {
        self.store().tenant(caller.tenant()).await?.ok_or(Error::NotFound(Thing::Tenant))
    }

    /// The caller's keys, oldest first, revoked ones included.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn api_keys(&self, caller: &Caller) -> Result<Vec<ApiKey>, Error> {
        caller.must_have(Scope::Admin)?;
        Ok(self.store().api_keys(caller.tenant()).await?)
    }

    /// The caller's services, by name.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn services(&self, caller: &Caller) -> Result<Vec<Service>, Error> {
        caller.must_have(Scope::Admin)?;
        Ok(self.store().services(caller.tenant()).await?)
    }

    /// The caller's service of a name.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn service(&self, caller: &Caller, name: &str) -> Result<Service, Error> {
        caller.must_have(Scope::Admin)?;
        self.store().service_named(caller.tenant(), name).await?.ok_or(Error::NotFound(Thing::Service))
    }

    /// The caller's own templates.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn own_templates(&self, caller: &Caller) -> Result<Vec<Template>, Error> {
        caller.must_have(Scope::Admin)?;
        Ok(self.store().templates(caller.tenant()).await?)
    }

    /// The caller's own template for a message.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn own_template(
        &self,
        caller: &Caller,
        message: Purpose,
        channel: Channel,
        locale: &str,
    ) -> Result<Template, Error> {
        caller.must_have(Scope::Admin)?;
        let found = self.store().template(caller.tenant(), message, channel, &canonical(locale)).await?;
        found.ok_or(Error::NotFound(Thing::Template))
    }

    /// The texts that every tenant has.
    pub fn built_in_templates() -> impl Iterator<Item = BuiltIn> {
        render::built_in()
    }

    /// How long a text message of this template can get; none for other channels.
    #[must_use]
    pub fn longest_sms(message: Purpose, channel: Channel, text: &str) -> Option<Size> {
        lint(message, channel, &TemplateText { subject: None, text, html: None }).ok()?.sms
    }

    /// The languages in which a service's last line makes its text messages take more than one part; none if it has no such
    /// line. The tenant's own texts are counted as they are written.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn languages_of_several_parts(&self, service: &Service) -> Result<Vec<String>, Error> {
        let Some(last_line) = &service.last_line else { return Ok(Vec::new()) };
        let own = self.store().templates(service.tenant).await?;
        let code = Code::typed(&"0".repeat(service.policy.code.length().into()));
        let values = Context {
            code: &code,
            brand: service.brand.as_deref(),
            life_minutes: service.policy.life_minutes(),
            payment: None,
            last_line: Some(last_line),
        };
        Ok(languages_of_several_parts(&own, &values))
    }

    /// How many messages wait in the outbox.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn messages_waiting(&self) -> Result<u64, Error> {
        Ok(self.store().message_counts().await?.into_iter().map(|(_, count)| count).sum())
    }
}
