"""`tf.summary`: numbers, images, texts and graphs of a run, in files that TensorBoard shows."""

from penstock.summary import experimental as experimental
from penstock.summary.plugins import audio as audio
from penstock.summary.plugins import histogram as histogram
from penstock.summary.plugins import image as image
from penstock.summary.plugins import scalar as scalar
from penstock.summary.plugins import text as text
from penstock.summary.recording import flush as flush
from penstock.summary.recording import graph as graph
from penstock.summary.recording import record_if as record_if
from penstock.summary.recording import should_record_summaries as should_record_summaries
from penstock.summary.recording import write as write
from penstock.summary.trace import trace_export as trace_export
from penstock.summary.trace import trace_off as trace_off
from penstock.summary.trace import trace_on as trace_on
from penstock.summary.writer import SummaryWriter as SummaryWriter
from penstock.summary.writer import create_file_writer as create_file_writer
from penstock.summary.writer import create_noop_writer as create_noop_writer
