"""Forms that people fill in: REDCap data dictionaries and spreadsheet templates of the questions of a model.

Examples
--------
>>> import thighdx
>>> from thighdx import forms
>>> forms.form_sections(thighdx.load_model())[0].title
'Warning signs'
"""

from __future__ import annotations

from thighdx.forms.plan import FormSection, form_sections
from thighdx.forms.redcap import RedcapForm, redcap_form
from thighdx.forms.template import write_template

__all__ = ["FormSection", "RedcapForm", "form_sections", "redcap_form", "write_template"]
