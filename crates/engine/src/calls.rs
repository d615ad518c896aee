//! What is said in a call, step by step, while it lasts. A vendor is told a code only once it is to be said, and only while
//! somebody waits for it. Saying it is the call's receipt: it reached somebody. A call that ends before has reached nobody, whatever picked
//! up, and what the vendor reports then lets another message take over.

use crate::{
    Engine, Error,
    receipts::{OwnAddress, ReceiptError},
};
use countersign_delivery::{
    CallStep, Line, Provider, ReceiptRequest,
    receipt::{About, ReceiptAnswer, ReceiptNote},
    render::{self, CallWords},
};
use countersign_model::{
    Channel, Message, Verification,
    message::{Content, Receipt},
};

impl Engine {
    /// Where a vendor that has placed a call asks what to say in it; none if it is no call, or nobody outside knows how to reach
    /// this server.
    pub(crate) fn call_url(&self, provider: &str, message: &Message) -> Option<String> {
        let base = self.public_url().filter(|_| message.channel == Channel::Voice)?.trim_end_matches('/');
        let (tenant, id) = (message.tenant, message.id);
        Some(format!("{base}/calls/{provider}/{tenant}/{id}/{}", self.keys().call_token(tenant, id)))
    }

    /// Tells a vendor what to say next.
    ///
    /// # Errors
    /// When it is not to be told anything, or when nobody can tell it now.
    pub async fn answer_call(
        &self,
        provider: &str,
        own: &OwnAddress,
        mut request: ReceiptRequest<'_>,
    ) -> Result<ReceiptAnswer, ReceiptError> {
        let carrier = self.providers().get(provider).ok_or(ReceiptError::Unknown)?;
        if !self.keys().is_call_token(own.tenant, own.message, &own.token) {
            return Err(ReceiptError::Unknown);
        }
        request.message = Some(own.message);
        let step = carrier.call_step(&request)?;
        let message = self.store().message(own.tenant, own.message).await.map_err(Error::from)?;
        let message = message.ok_or(ReceiptError::NoSuchMessage)?;
        let verification = self.verification_of_call(&message).await?;
        let said = self.line(&**carrier, &message, &verification, step).await?;
        let call_url = self.call_url(provider, &message).unwrap_or_default();
        let (text, language) = (said.text.as_str(), said.language.as_str());
        let told = carrier.tell(&Line { step: said.step, text, language, call_url: &call_url });
        let answer = told.map_err(|unsaid| Error::Internal(unsaid.to_string()))?;
        tracing::info!(message_id = %message.id, provider, step = ?said.step, has_code = said.has_code, "what a call is to say");
        if said.has_code {
            let note = ReceiptNote { about: About::Message(message.id), receipt: Receipt::Delivered };
            self.record(provider, Some(own), &note).await?;
        }
        Ok(answer)
    }

    async fn verification_of_call(&self, message: &Message) -> Result<Verification, ReceiptError> {
        let id = message.verification().ok_or(ReceiptError::Unknown)?;
        let found = self.store().verification(message.tenant, id).await.map_err(Error::from)?;
        found.ok_or(ReceiptError::Unknown)
    }

    async fn line(
        &self,
        carrier: &dyn Provider,
        message: &Message,
        of: &Verification,
        step: CallStep,
    ) -> Result<Said, Error> {
        let language = render::said_in(&of.locale, carrier.languages());
        let words = |words| {
            let text = self.templates().call(words, &language, of.brand.as_deref());
            text.map_err(|error| Error::Internal(error.to_string()))
        };
        let is_wanted = match message.content {
            Content::Code { generation, .. } => of.wants(generation, self.now()),
            Content::Text { .. } => false,
        };
        let (step, text, has_code) = match step {
            CallStep::End => (CallStep::End, String::new(), false),
            CallStep::Ask | CallStep::Say if !is_wanted => (CallStep::Say, words(CallWords::Over)?, false),
            CallStep::Ask => (CallStep::Ask, words(CallWords::Ask)?, false),
            CallStep::Say => {
                let contents = self.contents(message, Some(of), carrier.languages()).await?;
                (CallStep::Say, contents.rendered.text, true)
            }
        };
        Ok(Said { step, text, language, has_code })
    }
}

/// What is said next.
struct Said {
    step: CallStep,
    text: String,
    language: String,
    has_code: bool,
}
