using System.Text.Json.Nodes;
using PmemFleet.Nvdimm.Binding;
using PmemFleet.Nvdimm.Btt;
using PmemFleet.Nvdimm.Model;

namespace PmemFleet.Nvdimm.Listing;

/// <summary>What personalities a region can give, as <c>ndctl list -C</c> shows it (spec 20 section 10): read from the seeds, so an enabled region's only.</summary>
internal static class CapabilityList
{
    public static void Add(JsonObject listed, Bus bus, Region region)
    {
        var found = new JsonArray();
        Add(PersonalityKind.Btt, NamespaceMode.Sector, "sector_sizes", BttGeometry.SectorSizes.Select(size => (JsonNode)size));
        Add(PersonalityKind.Pfn, NamespaceMode.Fsdax, "alignments", bus.SupportedAlignments.Select(align => (JsonNode)align));
        Add(PersonalityKind.Dax, NamespaceMode.Devdax, "alignments", bus.SupportedAlignments.Select(align => (JsonNode)align));
        if (found.Count > 0)
        {
            listed["capabilities"] = found;
        }

        void Add(PersonalityKind kind, NamespaceMode mode, string name, IEnumerable<JsonNode> values)
        {
            if (region.Seed(kind) is not null)
            {
                found.Add((JsonNode)new JsonObject { ["mode"] = NamespaceModes.Text(mode), [name] = new JsonArray([.. values]) });
            }
        }
    }
}
