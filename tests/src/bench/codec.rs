//! The peer `codec`: native lines, with the codec that tokio users usually choose.
//!
//! tokio's multi-thread runtime, one task per connection, tokio-util's `LinesCodec`: each line becomes
//! a `String`, is turned, and is encoded again. All lines of one read are written at once. It accepts
//! only UTF-8, and a line that ended in CR LF comes back with LF.

use bytes::BytesMut;
use clap::Args;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::codec::{Decoder as _, Encoder as _, LinesCodec};

use crate::listen::serve;
use crate::pattern::turn;

const BLOCK: usize = 64 * 1024;
/// The longest line in bytes, as linemill's `max_line`.
const MAX_LINE: usize = 16 * 1024;

/// Options of the peer.
#[derive(Debug, Clone, Args)]
pub(crate) struct Codec {
    /// How often to turn each line
    #[arg(long, default_value_t = 1)]
    passes: u32,
}

impl Codec {
    /// Serves until it is killed.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let passes = self.passes;
        serve(|stream| Ok(answer(stream, passes)))
    }
}

async fn answer(mut stream: TcpStream, passes: u32) -> anyhow::Result<()> {
    let mut codec = LinesCodec::new_with_max_length(MAX_LINE);
    let (mut input, mut output) = (BytesMut::with_capacity(BLOCK), BytesMut::new());
    loop {
        input.reserve(BLOCK);
        let ended = stream.read_buf(&mut input).await? == 0;
        loop {
            let decoded = if ended {
                codec.decode_eof(&mut input)?
            } else {
                codec.decode(&mut input)?
            };
            let Some(text) = decoded else { break };
            let mut line = text.into_bytes();
            (0..passes).for_each(|_| turn(&mut line));
            codec.encode(String::from_utf8(line)?, &mut output)?;
        }
        stream.write_all_buf(&mut output).await?;
        if ended {
            return Ok(stream.shutdown().await?);
        }
    }
}
