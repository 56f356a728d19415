using PmemFleet.Nvdimm.InterleaveSet;

namespace PmemFleet.Nvdimm.Tests.InterleaveSet;

public class SetCookiesTests
{
    [Fact]
    public void Of_OneDimm_GivesTheKnownCookies()
    {
        var cookies = SetCookies.Of([new SetMember(0, 0x12345678, 0x8086)]);

        Assert.Equal((0x2468acf012345678UL, 0xb60fe5661234d6feUL), (cookies.First, cookies.Second));
    }

    [Fact]
    public void Of_TwoDimms_GivesTheKnownCookies()
    {
        var cookies = SetCookies.Of([new SetMember(0x8000, 0x123457, 0x8680, 0x0116, 1), new SetMember(0, 0x123456, 0x8680, 0x0116, 1)]);

        Assert.Equal((0x0093a2b20024e8adUL, 0x22f04de60251f5afUL), (cookies.First, cookies.Second));
    }

    [Fact]
    public void Of_OffsetsThatSortDifferentlyByBytes_GivesTwoFirstCookies()
    {
        var cookies = SetCookies.Of([
            new SetMember(1UL << 16, 0xffffffff, 0xabcd), new SetMember(1UL << 24, 0xfffffffe, 0xabcd),
            new SetMember(1UL << 32, 0xfffffeff, 0xabcd), new SetMember(1UL << 40, 0xfffffefe, 0xabcd)]);

        Assert.Equal((0x0c0ffadb0100fefbUL, 0x0803f6d70100fefbUL), (cookies.First, cookies.Alternative));
    }

    [Theory]
    [InlineData(0x123456u, 10248187106440278UL, 52512752653219036UL)]
    [InlineData(0x123457u, 0UL, 52512795602891997UL)]
    public void Of_QemuDimm_GivesWhatLinuxShows(uint serial, ulong first, ulong second)
    {
        var cookies = SetCookies.Of([new SetMember(0, serial, 0x8086)]);

        Assert.Equal(second, cookies.Second);
        Assert.True(first == 0 || cookies.First == first, $"{cookies.First}");
    }
}
