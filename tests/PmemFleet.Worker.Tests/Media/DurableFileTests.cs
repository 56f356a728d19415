using PmemFleet.Worker.Media;

namespace PmemFleet.Worker.Tests.Media;

/// <summary>A small file is the old one or the new one; a torn one is none.</summary>
public sealed class DurableFileTests
{
    [Fact]
    public void Read_TornAtEveryByte_NeverGivesHalf()
    {
        using var folder = new MediaFolder();
        var path = Path.Combine(folder.Path, "state");
        DurableFile.Replace(path, "the whole content"u8);
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);

            Assert.Null(DurableFile.Read(path));
        }
    }

    [Fact]
    public void Read_BitFlipped_GivesNothing()
    {
        using var folder = new MediaFolder();
        var path = Path.Combine(folder.Path, "state");
        DurableFile.Replace(path, "the whole content"u8);
        var bytes = File.ReadAllBytes(path);
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var broken = (byte[])bytes.Clone();
            broken[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(path, broken);

            Assert.Null(DurableFile.Read(path));
        }
    }

    [Fact]
    public void Replace_OverAnOlderOne_GivesTheNewer()
    {
        using var folder = new MediaFolder();
        var path = Path.Combine(folder.Path, "state");
        DurableFile.Replace(path, "old"u8);

        DurableFile.Replace(path, "new"u8);

        Assert.Equal("new"u8.ToArray(), DurableFile.Read(path));
    }
}
