"""The report: a published state in words and pictures, as plain data (`summarise`) and as one HTML file (`html`)."""

from segwarehouse.report.html import Report, write_report
from segwarehouse.report.summarise import summarise

__all__ = ["Report", "summarise", "write_report"]
