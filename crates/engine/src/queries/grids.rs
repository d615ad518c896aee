//! A grid as whoever has its link sees it.

use crate::{Engine, Error, keys};
use countersign_model::{Grid, Right, Screen, Timestamp, Verification};

/// What is behind a link.
#[derive(Clone, Debug)]
pub struct GridSeen {
    /// The verification that it proves.
    pub verification: Verification,
    /// Its grid.
    pub grid: Grid,
    /// The screens of the present attempt; none once it has ended.
    pub screens: Vec<Screen>,
    /// Whom the page speaks for.
    pub brand: String,
    /// When it was looked at.
    pub at: Timestamp,
}

impl Engine {
    /// What is behind the link with this token. Looking changes nothing.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn grid(&self, token: &str) -> Result<Option<GridSeen>, Error> {
        let found = self.store().verification_of_link(self.keys().link_index(token)).await?;
        let Some((verification, grid)) = found.and_then(|it| it.grid.clone().map(|grid| (it, grid))) else {
            return Ok(None);
        };
        let brand = self.speaks_for(verification.tenant, verification.brand.as_deref()).await?;
        let (screens, at) = (self.screens_of(&verification)?, self.now());
        Ok(Some(GridSeen { verification, grid, screens, brand, at }))
    }

    /// The link that the messages of a verification carry; none: it has no grid.
    ///
    /// # Errors
    /// When the key file lacks its key, or nobody has said how the outside reaches this server.
    pub(crate) fn link_of(&self, verification: &Verification) -> Result<Option<String>, Error> {
        let Some(grid) = &verification.grid else { return Ok(None) };
        let base = self.public_url().ok_or_else(|| Error::internal("a link needs server.public_url"))?;
        let context = keys::context(keys::LINK, verification.tenant, &verification.id.to_bytes());
        let token = self.keys().open(&grid.token, &context)?;
        Ok(Some(format!("{}/c/{}", base.trim_end_matches('/'), *token)))
    }

    /// The screens of the present attempt. Without its enrolled categories, which go with the end, there are none.
    pub(crate) fn screens_of(&self, verification: &Verification) -> Result<Vec<Screen>, Error> {
        let (Some(grid), Some(blocks)) = (&verification.grid, self.keys().grid_blocks(verification)?) else {
            return Ok(Vec::new());
        };
        let enrolled: Vec<u16> = match &grid.right {
            Right::Told | Right::Remembered(None) => Vec::new(),
            Right::Remembered(Some(sealed)) => {
                let context = keys::context(keys::ENROLLED, verification.tenant, &verification.id.to_bytes());
                let text = self.keys().open(sealed, &context)?;
                serde_json::from_str(&text).map_err(|_| Error::internal("sealed categories do not read back"))?
            }
        };
        Ok(grid.draw(&enrolled, blocks))
    }
}
