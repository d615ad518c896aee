//! The providers against peers: a foreign mail relay and foreign SMSCs, and simulators of aggregators over HTTP; and the page
//! of built-in texts.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod http;
#[cfg(test)]
mod kannel_boxes;
#[cfg(test)]
mod languages;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod smpp;
#[cfg(test)]
mod smtp;
