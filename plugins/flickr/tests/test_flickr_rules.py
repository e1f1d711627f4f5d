"""The Flickr rules keep what every rules plugin promises."""

import secretguard_flickr

from secretguard.testing import RulesPluginContract


class TestFlickrRules(RulesPluginContract):
    plugin = secretguard_flickr
